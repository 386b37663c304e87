"""Rows for the engines that run an ONNX file: ids from the `tokenizers` library, padded to the longest of the batch."""
import os

import numpy
from tokenizers import Tokenizer


def encoder(job):
    tokenizer = Tokenizer.from_file(os.path.join(job["model"], "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(job["max_length"], direction=job["truncation_side"])

    def encode(texts):
        return [e.ids for e in tokenizer.encode_batch(texts)]

    def pad(rows):
        ids = numpy.zeros((len(rows), max(map(len, rows))), numpy.int64)  # 0 is [PAD]
        mask = numpy.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, :len(row)] = row
            mask[i, :len(row)] = 1
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
    return encode, pad
