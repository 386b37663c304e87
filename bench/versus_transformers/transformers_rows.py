"""What transformers needs for a task: the class of the model, peft's name of the task, the rows of a file as a training takes them, and how
they become a batch. As the example scripts of transformers do it (run_ner, run_qa, run_clm)."""
import common


def _text_classification(job, tokenizer, encode):
    from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding

    def read(path):
        texts, labels = common.read_rows(path)
        return [row | {"labels": label} for row, label in zip(encode(texts), labels)]
    return AutoModelForSequenceClassification, "SEQ_CLS", {"num_labels": 2}, read, DataCollatorWithPadding(tokenizer)


def _token_classification(job, tokenizer, encode):
    """The first piece of a word learns its tag."""
    from transformers import AutoModelForTokenClassification, DataCollatorForTokenClassification

    def read(path):
        rows = []
        for row in common.read_json_lines(path):
            encoded = tokenizer(row["tokens"], is_split_into_words=True, truncation=True, max_length=job["max_length"])
            words = encoded.word_ids()
            tags = [-100 if w is None or w == before else job["labels"].index(row["ner_tags"][w]) for w, before in zip(words, [None, *words])]
            rows.append(dict(encoded) | {"labels": tags})
        return rows
    return AutoModelForTokenClassification, "TOKEN_CLS", {"num_labels": len(job["labels"])}, read, DataCollatorForTokenClassification(tokenizer)


def answer_span(encoded, window, answers):
    """First and last token of the first answer (`text`, `answer_start`) in a window of an encoding; (0, 0) where there is none or it is not all there."""
    context = [i for i, s in enumerate(encoded.sequence_ids(window)) if s == 1]
    offsets = encoded["offset_mapping"][window]
    if not answers["text"]:
        return 0, 0
    begin = answers["answer_start"][0]
    end = begin + len(answers["text"][0])
    if offsets[context[0]][0] > begin or offsets[context[-1]][1] < end:
        return 0, 0
    return max(i for i in context if offsets[i][0] <= begin), min(i for i in context if offsets[i][1] >= end)


def _question_answering(job, tokenizer, encode):
    """A row a window; where it does not hold the answer, the first token is right."""
    from transformers import AutoModelForQuestionAnswering, DataCollatorWithPadding

    def read(path):
        rows = []
        for row in common.read_json_lines(path):
            encoded = tokenizer(row["question"], row["context"], truncation="only_second", max_length=job["max_length"], stride=job["doc_stride"],
                                return_overflowing_tokens=True, return_offsets_mapping=True)
            for window in range(len(encoded["input_ids"])):
                start, end = answer_span(encoded, window, row["answers"])
                rows.append({key: encoded[key][window] for key in job["inputs"]} | {"start_positions": start, "end_positions": end})
        return rows
    return AutoModelForQuestionAnswering, "QUESTION_ANS", {}, read, DataCollatorWithPadding(tokenizer)


def _text_generation(job, tokenizer, encode):
    """Blocks of one text."""
    from transformers import AutoModelForCausalLM, default_data_collator

    def read(path):
        with open(path, encoding="utf-8") as f:
            blocks = common.in_slices(tokenizer(f.read())["input_ids"], job["max_length"])
        return [{"input_ids": ids, "attention_mask": [1] * len(ids), "labels": ids} for ids in blocks if len(ids) == job["max_length"]]
    return AutoModelForCausalLM, "CAUSAL_LM", {}, read, default_data_collator


def of_task(job, tokenizer, encode):
    return {"text-classification": _text_classification, "token-classification": _token_classification, "question-answering": _question_answering,
            "text-generation": _text_generation}[job["task"]](job, tokenizer, encode)
