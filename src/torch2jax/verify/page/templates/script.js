"use strict";
// A link to a line opens the file that the line is in, and shows both programs.
function show(id) {
  const target = document.getElementById(id);
  if (!target) return;
  for (let at = target.parentElement; at; at = at.parentElement) {
    if (at instanceof HTMLDetailsElement) at.open = true;
  }
  if (target.classList.contains("l")) document.getElementById("view-both").checked = true;
  target.scrollIntoView({ block: "center" });
}
function followHash() {
  if (location.hash.length > 1) show(decodeURIComponent(location.hash.slice(1)));
}
window.addEventListener("hashchange", followHash);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link && link.getAttribute("href") === location.hash) followHash();
});
followHash();
