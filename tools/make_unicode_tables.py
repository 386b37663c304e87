#!/usr/bin/env python3
"""Writes src/text/unicode_tables.inc: the Unicode properties the `tokenizers` package uses, found by asking it about every code point.

Its categories, decompositions and case maps come from different Unicode versions, so no single Unicode file gives the same answers.
Usage: make_unicode_tables.py > src/text/unicode_tables.inc        (needs tokenizers == 0.23.3 and a Python with Unicode 14.0, as 3.11)
"""
import sys
import unicodedata

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

PINNED = "0.23.3"
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def ranges(points):
    out = []
    for c in points:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def bert(**on):
    options = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    options.update(on)
    return normalizers.BertNormalizer(**options).normalize_str


def split_properties():
    pieces = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    punctuation, white = [], []
    for c in CODE_POINTS:
        n = len(pieces("a" + chr(c) + "a"))
        if n == 3:
            punctuation.append(c)
        elif n == 2:
            white.append(c)
    return punctuation, white


def clean_properties():
    clean = bert(clean_text=True)
    dropped, spaced = [], []
    for c in CODE_POINTS:
        got = clean("a" + chr(c) + "b")
        if got == "ab":
            dropped.append(c)
        elif got == "a b" and c != 0x20:
            spaced.append(c)
        else:
            assert got == "a" + chr(c) + "b", hex(c)
    return dropped, spaced


def word_characters():
    t = Tokenizer(models.WordLevel({"u": 0}, unk_token="u"))
    t.add_tokens([AddedToken("X", single_word=True, normalized=False)])
    x = t.token_to_id("X")
    return [c for c in CODE_POINTS if c != ord("X") and x not in t.encode(chr(c) + "X").ids] + [ord("X")]


def regex_spaces():
    t = Tokenizer(models.WordLevel({"u": 0}, unk_token="u"))
    t.add_tokens([AddedToken("X", lstrip=True, normalized=False)])
    x = t.token_to_id("X")
    return [c for c in CODE_POINTS if c != ord("X") and t.encode(chr(c) + "X").ids == [x]]


def decompositions():
    nfd = normalizers.NFD().normalize_str
    table = {}
    for c in CODE_POINTS:
        got = nfd(chr(c))
        if got != chr(c) and not 0xAC00 <= c <= 0xD7A3:
            table[c] = [ord(x) for x in got]
    for c in range(0xAC00, 0xD7A4):  # Hangul by arithmetic: check that it is so
        s = c - 0xAC00
        parts = [0x1100 + s // 588, 0x1161 + s % 588 // 28] + ([0x11A7 + s % 28] if s % 28 else [])
        assert [ord(x) for x in nfd(chr(c))] == parts, hex(c)
    return table


def combining_classes(table):
    """Canonical ordering shows the class: two marks stay in place in both orders only when their classes are equal."""
    import unicodedata

    nfd = normalizers.NFD().normalize_str
    highest = "\u0345"  # class 240; nothing is above it
    references = {240: highest}
    for c in range(0x300, 0x20000):
        k = unicodedata.combining(chr(c))
        if k and k not in references and nfd(highest + chr(c)) == chr(c) + highest:  # a mark the package knows
            references[k] = chr(c)
    order = sorted(references)
    out = {}
    for c in CODE_POINTS:
        if c in table or 0xAC00 <= c <= 0xD7A3:
            continue
        x = chr(c)
        if x != highest and nfd(highest + x) == highest + x and nfd(x + references[1]) == x + references[1]:
            continue  # 0: nothing passes it and it passes nothing
        found = None
        for k in order:
            r = references[k]
            if x == r or (nfd(r + x) == r + x and nfd(x + r) == x + r):
                found = k
                break
        assert found is not None, hex(c)
        out[c] = found
    assert out[0x0301] == 230 and out[0x0345] == 240 and out[0x0327] == 202
    return out


def lower_cases():
    lower = normalizers.Lowercase().normalize_str
    single, multiple = {}, {}
    for c in CODE_POINTS:
        got = lower(chr(c))
        if got == chr(c):
            continue
        if len(got) == 1:
            single[c] = ord(got)
        else:
            multiple[c] = [ord(x) for x in got]
    assert list(multiple) == [0x130] and multiple[0x130] == [0x69, 0x307], multiple
    return single


def marks(table):
    nfd = normalizers.NFD().normalize_str
    strip = bert(strip_accents=True)
    nonspacing, combining = [], []
    strip_all = normalizers.StripAccents().normalize_str
    for c in CODE_POINTS:
        x = chr(c)
        if nfd(x) == x and strip("a" + x) == "a":
            nonspacing.append(c)
        if strip_all("a" + x) == "a":
            combining.append(c)
    return nonspacing, combining


def matched(pattern):
    """The code points that a class of the package's regular expressions holds."""
    text = "".join(map(chr, CODE_POINTS))
    runs = pre_tokenizers.Split(Regex(f"[^{pattern}]+"), "removed").pre_tokenize_str(text)
    return {c for _, (a, b) in runs for c in CODE_POINTS[a:b]}


def digits():
    runs = pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str("".join("a" + chr(c) for c in CODE_POINTS))
    starts = {a for _, (a, b) in runs if b - a == 1 and a % 2 == 1}
    return [CODE_POINTS[a // 2] for a in sorted(starts)]


CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn".split()
PCRE2_UNICODE = "14.0.0"  # of PCRE2 10.42 (Debian 12)
PCRE2_SPACES = {0x180E, 0x85, *range(9, 14)}  # what its \s holds beside the categories Z*


def stand_ins(white):
    """Code points of another category for PCRE2 than for the package: [c, a code point that both see as the package sees c]."""
    assert unicodedata.unidata_version == PCRE2_UNICODE, unicodedata.unidata_version
    category = {}
    for name in CATEGORIES:
        for c in matched(f"\\p{{{name}}}"):
            assert c not in category, hex(c)
            category[c] = name
    spaces = {c for c in CODE_POINTS if unicodedata.category(chr(c))[0] == "Z"} | PCRE2_SPACES
    differ = {c for c in CODE_POINTS if category[c] != unicodedata.category(chr(c)) or (c in white) != (c in spaces)}
    pick = {}
    for c in range(0x1000, 0x20000):
        if c in category and c not in differ:
            pick[category[c]] = c
    return [(c, pick[category[c]]) for c in sorted(differ)]


def compositions(table):
    """[first, second, composite] for every primary composite; Hangul is left to arithmetic."""
    nfc = normalizers.NFC().normalize_str
    rows = []
    for c, parts in table.items():
        if nfc(chr(c)) != chr(c):
            continue
        first, second = nfc("".join(map(chr, parts[:-1]))), chr(parts[-1])
        assert len(first) == 1 and nfc(first + second) == chr(c), hex(c)
        rows.append((ord(first), ord(second), c))
    for l, v, t in ((0x1100, 0x1161, 0x11A8), (0x1112, 0x1175, 0x11C2)):
        whole = 0xAC00 + ((l - 0x1100) * 21 + v - 0x1161) * 28
        assert nfc(chr(l) + chr(v)) == chr(whole) and nfc(chr(whole) + chr(t)) == chr(whole + t - 0x11A7)
    assert nfc("\uac00\u11a7") == "\uac00\u11a7"
    return sorted(rows)


def stepped(single):
    """Ranges of equal difference and step 1 or 2: [first, last, step, difference]."""
    out = []
    for c in sorted(single):
        d = single[c] - c
        if out:
            first, last, step, diff = out[-1]
            if diff == d and (c - last == step or (first == last and c - last == 2)):
                out[-1] = [first, c, c - last, diff]
                continue
        out.append([c, c, 1, d])
    return out


def emit(name, kind, rows, form):
    print(f"constexpr {kind} {name}[] = {{")
    line = ""
    for r in rows:
        item = form(r) + ","
        if len(line) + len(item) > 138:
            print(line)
            line = ""
        line += item
    print(line)
    print("};")


def main():
    if tokenizers.__version__ != PINNED:
        sys.exit(f"needs tokenizers {PINNED}, found {tokenizers.__version__}")
    punctuation, white = split_properties()
    dropped, spaced = clean_properties()
    chinese = [c for c in CODE_POINTS if bert(handle_chinese_chars=True)(chr(c)) != chr(c)]
    table = decompositions()
    nonspacing, combining = marks(table)
    assert all(c not in nonspacing for c in table)
    print(f"// Made by tools/make_unicode_tables.py from tokenizers {PINNED}; do not edit.")
    pair = lambda r: f"{{{r[0]:#x},{r[1]:#x}}}"
    for name, points in (
        ("kPunctuation", punctuation),
        ("kWhiteSpace", white),
        ("kDropped", dropped),
        ("kSpaced", spaced),
        ("kChinese", chinese),
        ("kNonspacing", nonspacing),
        ("kCombining", combining),
        ("kWord", sorted(word_characters())),
        ("kRegexSpace", regex_spaces()),
        ("kLetters", sorted(matched(r"\p{L}"))),
        ("kNumbers", sorted(matched(r"\p{N}"))),
        ("kNumericChars", digits()),
    ):
        emit(name, "CodeRange", ranges(points), pair)
    classes = combining_classes(table)
    rows = []
    for c in sorted(classes):
        if rows and rows[-1][1] == c - 1 and rows[-1][2] == classes[c]:
            rows[-1][1] = c
        else:
            rows.append([c, c, classes[c]])
    emit("kCombiningClass", "ClassRange", rows, lambda r: f"{{{r[0]:#x},{r[1]:#x},{r[2]}}}")
    white_of_patterns = matched(r"\s")
    assert white_of_patterns == set(white) == set(regex_spaces()), "one white-space flag serves all"
    foreign = []
    for c, to in stand_ins(white_of_patterns):
        if foreign and foreign[-1][1] == c - 1 and foreign[-1][2] == to:
            foreign[-1][1] = c
        else:
            foreign.append([c, c, to])
    emit("kStandIns", "StandIn", foreign, lambda r: f"{{{r[0]:#x},{r[1]:#x},{r[2]:#x}}}")
    emit("kCompositions", "Composition", compositions(table), lambda r: f"{{{r[0]:#x},{r[1]:#x},{r[2]:#x}}}")
    emit("kLower", "LowerRange", stepped(lower_cases()), lambda r: f"{{{r[0]:#x},{r[1]:#x},{r[2]},{r[3]}}}")
    assert max(map(len, table.values())) <= 4
    emit("kDecomposition", "Decomposition", sorted(table.items()),
         lambda r: f"{{{r[0]:#x},{{" + ",".join(f"{x:#x}" for x in r[1]) + "}}")


if __name__ == "__main__":
    main()
