"""What transformers' apply_chat_template makes of messages: chat.json, with the templates themselves and ways to spell them."""
import json
import tempfile
from pathlib import Path

from transformers import AutoTokenizer

from . import common
from .bpe_tokenizers import materialise

CHATML = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
SMOLLM2 = ("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, "
           "trained by Hugging Face<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
           "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
LLAMA3 = ("{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ "
          "message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}")
# The same programs spelled otherwise.
SPELLINGS = {
    "chatml": [CHATML, CHATML.replace("\\n", "\n"), CHATML.replace("'", '"'), CHATML.replace("message['role']", "message.role").replace("message['content']", "message.content"),
               CHATML.replace("'<|im_end|>' + '\\n'", "'<|im_end|>\\n'"), "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}" + CHATML,
               "{%- for message in messages %}\n    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}\n{%- endfor %}\n{%- if add_generation_prompt %}\n"
               "    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n"],
    "smollm2": [SMOLLM2, SMOLLM2.replace("\\n", "\n"), SMOLLM2.replace("messages[0]['role']", "messages[0].role")],
    "llama3": [LLAMA3, LLAMA3.replace("\\n", "\n"), LLAMA3.replace("{% if add_generation_prompt %}", "{% if add_generation_prompt %}\n")],
}
# Programs that do something else, however alike.
OTHERS = [CHATML.replace("im_start", "im_begin"), CHATML.replace("'\\n'}}", "'\\n\\n'}}"), CHATML.replace("{% if add_generation_prompt %}", "{% if true %}"), "x" + CHATML,
          CHATML.replace("{% endfor %}", "\n\n{% endfor %}"), CHATML.replace("{% endfor %}", " {% endfor %}x"), SMOLLM2.replace("SmolLM,", "Qwen,"), LLAMA3.replace("| trim", ""),
          "{{ bos_token }}" + CHATML, "{% for", "", "{{ messages }}", CHATML.replace("}}{% endfor %}", "}}\n{% endfor %}")]
S, U, A = {"role": "system", "content": "Be brief."}, {"role": "user", "content": " Hi \n"}, {"role": "assistant", "content": "Hello!"}
MESSAGES = [[S, U, A], [U], [U, A], [U, A, {"role": "user", "content": "And\n\nthen?"}, {"role": "assistant", "content": " \u3000é\u0085 "}], [A], [S],
            [{"role": "user", "content": ""}], [U, S], [{"role": "tool", "content": "1"}, A], [{"role": "user", "content": "\x1c\x0b x \u2028\u200b"}, {"role": "assistant", "content": "'quoted' \"twice\" {{ x }}"}]]


def make():
    variants = json.loads((common.OUT / "bpe" / "variants.json").read_text(encoding="utf-8"))
    models = json.loads((common.OUT / "bpe" / "models.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        materialise(Path(folder), variants["llama3"]["files"], models["llama3"])
        tokenizer = AutoTokenizer.from_pretrained(folder)
    cases = []
    for form, spellings in SPELLINGS.items():
        for messages in MESSAGES:
            for prompt in (False, True):
                texts = {tokenizer.apply_chat_template(messages, chat_template=t, add_generation_prompt=prompt, tokenize=False) for t in spellings}
                assert len(texts) == 1, (form, messages, texts)
                cases.append({"form": form, "messages": messages, "generation_prompt": prompt, "text": texts.pop()})
    common.write_json(common.OUT / "chat.json", {"bos": tokenizer.bos_token, "spellings": SPELLINGS, "others": OTHERS, "cases": cases})
