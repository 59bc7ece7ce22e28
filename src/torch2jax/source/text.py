r"""Bytes of a source file to text and back, so that what is not translated comes out byte for byte.

Inside the tool text has no byte order mark and its lines end in ``\n``. What the file had is kept beside it.
"""

import codecs
import io
import re
import tokenize
from dataclasses import dataclass

from torch2jax.report import Diagnostic

_NEWLINE = re.compile(r"\r\n|\r|\n")
_COOKIE = re.compile(r"^([ \t\f]*#.*?coding[:=][ \t]*)([-\w.]+)", re.ASCII)


class SourceError(Exception):
    """A file that can't be read as Python source; `diagnostic` says where and why (T2J109)."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.headline)
        self.diagnostic = diagnostic


@dataclass(frozen=True, slots=True)
class SourceText:
    """The text of a file, normalised, and how the file writes it.

    newline: what ends most lines of the file. encoding: as PEP 263 has it, without the byte order mark.
    """

    text: str
    newline: str = "\n"
    encoding: str = "utf-8"
    bom: bool = False

    @classmethod
    def of(cls, text: str) -> "SourceText":
        """From text that was decoded elsewhere."""
        bom = text.startswith("\ufeff")
        newline = _dominant_newline(text)
        body = text[1:] if bom else text
        return cls(body if newline == "\n" and "\r" not in body else _NEWLINE.sub("\n", body), newline, bom=bom)

    @classmethod
    def decode(cls, data: bytes, path: str) -> "SourceText":
        """From the bytes of a file, by its coding line (PEP 263), its byte order mark, or else as UTF-8.

        Raises SourceError where the encoding is unknown or the bytes do not fit it.
        """
        bom = data.startswith(codecs.BOM_UTF8)
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        except (SyntaxError, UnicodeDecodeError) as error:
            raise SourceError(_undecodable(data, path, str(error))) from None
        encoding = "utf-8" if encoding == "utf-8-sig" else encoding
        try:
            text = data.removeprefix(codecs.BOM_UTF8).decode(encoding)
        except UnicodeDecodeError as error:
            raise SourceError(
                _undecodable(data, path, f"{error.reason} as {encoding}", error.start, encoding)
            ) from None
        except (LookupError, ValueError):  # rot13 and the like are codecs of Python, but of no text
            reason = f"{encoding} is no encoding of text"
            raise SourceError(
                Diagnostic.of("T2J109", f"the encoding can't be read: {reason}", path=path, line=1, hint=_ENCODING_HINT)
            ) from None
        found = cls.of(text)
        return cls(found.text, found.newline, encoding, bom)

    def restore(self, text: str) -> str:
        """The text with the newlines and the byte order mark of this file."""
        body = text if self.newline == "\n" else text.replace("\n", self.newline)
        return "\ufeff" + body if self.bom else body

    def encode(self, text: str) -> bytes:
        """The bytes of a file like this one with another text.

        Where the encoding lacks a character the result is UTF-8, and so says its coding line.
        """
        body = text if self.newline == "\n" else text.replace("\n", self.newline)
        try:
            data = body.encode(self.encoding)
        except UnicodeEncodeError:
            lines = body.split(self.newline, 2)
            head = [_COOKIE.sub(r"\1utf-8", line) for line in lines[:2]]
            data = self.newline.join([*head, *lines[2:]]).encode("utf-8")
        return codecs.BOM_UTF8 + data if self.bom else data


def _dominant_newline(text: str) -> str:
    r"""What ends most lines, ``\n`` where there are none or as many of each."""
    crlf = text.count("\r\n")
    lf = text.count("\n") - crlf
    cr = text.count("\r") - crlf
    if crlf > max(lf, cr):
        return "\r\n"
    return "\r" if cr > lf else "\n"


def _undecodable(data: bytes, path: str, reason: str, offset: int | None = None, encoding: str = "utf-8") -> Diagnostic:
    """The diagnostic for bytes that are no text, at the first of them (`offset`, behind the mark) if that is known."""
    data = data.removeprefix(codecs.BOM_UTF8)
    if offset is None:
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            reason, offset = f"{error.reason} as utf-8", error.start
    if offset is None:
        return Diagnostic.of("T2J109", f"the encoding can't be read: {reason}", path=path, line=1, hint=_ENCODING_HINT)
    lines = _NEWLINE.split(data[:offset].decode(encoding, errors="replace"))
    message = f"not {encoding} text: byte 0x{data[offset]:02x}: {reason}"
    return Diagnostic.of("T2J109", message, path=path, line=len(lines), column=len(lines[-1]), hint=_ENCODING_HINT)


_ENCODING_HINT = "save the file as UTF-8, or name its encoding in the first line: # -*- coding: latin-1 -*-"
