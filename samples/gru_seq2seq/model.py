"""Translation with two GRUs and additive attention (Bahdanau et al., 2014)."""

import torch
import torch.nn as nn
import torch.nn.functional as F

PAD, BOS, EOS = 0, 1, 2


class Encoder(nn.Module):
    """Bidirectional GRU. Its two final states are mixed into the first state of the decoder."""

    def __init__(self, vocab_size, emb_dim, hid_dim, n_layers=1, dropout=0.1):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, emb_dim, padding_idx=PAD)
        self.rnn = nn.GRU(emb_dim, hid_dim, n_layers, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * hid_dim, hid_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, src):
        # src: (batch, src_len)
        memory, hidden = self.rnn(self.dropout(self.embedding(src)))
        # hidden: (layers * 2, batch, hid); the top layer's two directions come last
        state = torch.cat((hidden[-2, :, :], hidden[-1, :, :]), dim=1)
        return memory, torch.tanh(self.bridge(state))


class AdditiveAttention(nn.Module):
    def __init__(self, query_dim, key_dim, att_dim):
        super().__init__()
        self.query = nn.Linear(query_dim, att_dim, bias=False)
        self.key = nn.Linear(key_dim, att_dim, bias=False)
        self.energy = nn.Linear(att_dim, 1, bias=False)

    def forward(self, query, keys, mask=None):
        # query: (batch, query_dim), keys: (batch, src_len, key_dim), mask: (batch, src_len)
        src_len = keys.shape[1]
        query = self.query(query).unsqueeze(1).repeat(1, src_len, 1)
        scores = self.energy(torch.tanh(query + self.key(keys))).squeeze(2)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e10)
        return F.softmax(scores, dim=1)


class Decoder(nn.Module):
    """One step: attend, read the context and the last token, update the state."""

    def __init__(self, vocab_size, emb_dim, hid_dim, dropout=0.1):
        super().__init__()
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, emb_dim)
        self.attention = AdditiveAttention(hid_dim, 2 * hid_dim, hid_dim)
        self.rnn = nn.GRU(emb_dim + 2 * hid_dim, hid_dim)
        self.fc_out = nn.Linear(emb_dim + 3 * hid_dim, vocab_size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, token, state, memory, mask=None):
        # token: (batch,), state: (batch, hid)
        embedded = self.dropout(self.embedding(token.unsqueeze(0)))  # (1, batch, emb)

        weights = self.attention(state, memory, mask).unsqueeze(1)  # (batch, 1, src_len)
        context = torch.bmm(weights, memory).permute(1, 0, 2)  # (1, batch, 2 * hid)

        output, state = self.rnn(torch.cat((embedded, context), dim=2), state.unsqueeze(0))
        features = torch.cat((output.squeeze(0), context.squeeze(0), embedded.squeeze(0)), dim=1)
        return self.fc_out(features), state.squeeze(0), weights.squeeze(1)


class Seq2Seq(nn.Module):
    """Source ids (batch, src_len), target ids (batch, trg_len) -> scores (batch, trg_len, vocab)
    and attention weights (batch, trg_len - 1, src_len)."""

    def __init__(self, src_vocab=40, trg_vocab=50, emb_dim=20, hid_dim=24, n_layers=1, dropout=0.1, use_mask=True):
        super().__init__()
        self.encoder = Encoder(src_vocab, emb_dim, hid_dim, n_layers, dropout)
        self.decoder = Decoder(trg_vocab, emb_dim, hid_dim, dropout)
        self.use_mask = use_mask

        for name, param in self.named_parameters():
            if "weight" in name:
                nn.init.normal_(param.data, mean=0, std=0.1)
            else:
                nn.init.constant_(param.data, 0)

    def create_mask(self, src):
        return src != PAD

    def forward(self, src, trg, teacher_forcing=True):
        batch_size, trg_len = trg.shape

        # row 0 stays zero, nothing is predicted for the first token
        outputs = torch.zeros(trg_len, batch_size, self.decoder.vocab_size).to(src.device)
        attentions = []

        memory, state = self.encoder(src)
        mask = self.create_mask(src) if self.use_mask else None

        token = trg[:, 0]
        for t in range(1, trg_len):
            output, state, weights = self.decoder(token, state, memory, mask)
            outputs[t] = output
            attentions.append(weights)

            # the next input is either the truth or the best guess
            top1 = output.argmax(1)
            token = trg[:, t] if teacher_forcing else top1

        return outputs.transpose(0, 1), torch.stack(attentions, dim=1)

    @torch.no_grad()
    def translate(self, src, max_len):
        """The greedy translation, always `max_len` ids; those behind the first EOS are padding."""
        memory, state = self.encoder(src)
        mask = self.create_mask(src) if self.use_mask else None
        token = torch.full((src.size(0),), BOS, dtype=torch.long, device=src.device)
        finished = torch.zeros_like(token, dtype=torch.bool)
        result = []
        for _ in range(max_len):
            scores, state, _ = self.decoder(token, state, memory, mask)
            _, best = scores.topk(1)
            token = best.squeeze(-1).detach()
            token = token.masked_fill(finished, PAD)
            finished = finished | token.eq(EOS)
            result.append(token)
        return torch.stack(result, dim=1)
