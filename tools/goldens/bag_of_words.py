"""TfidfVectorizer and LogisticRegression of scikit-learn with their defaults, solved to convergence: on examples/reviews, on three classes,
and on texts where words are odd or missing."""
import csv

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from . import common


def rows(name, most):
    with open(common.ROOT / "examples" / "reviews" / name, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))[:most]


def case(name, train, labels, test, keep_texts=True, c=1.0):
    names = sorted(set(labels))
    vectorizer = TfidfVectorizer()
    x = vectorizer.fit_transform(train)
    y = np.array([names.index(l) for l in labels])
    model = LogisticRegression(C=c, tol=1e-12, max_iter=100000).fit(x, y)
    xt = vectorizer.transform(test)
    words = vectorizer.get_feature_names_out().tolist()
    some = words[:: max(1, len(words) // 12)]
    out = {"name": name, "c": c, "labels": labels if keep_texts else None, "names": names, "features": len(words), "words": some,
           "idf": [float(vectorizer.idf_[words.index(w)]) for w in some],
           "coefficients": [[float(row[words.index(w)]) for w in some] for row in model.coef_],
           "intercepts": [float(b - (model.intercept_.mean() if len(names) > 2 else 0)) for b in model.intercept_],
           "probabilities": [[float(v) for v in p] for p in model.predict_proba(xt)]}
    if keep_texts:
        out.update(train=train, test=test)
    return out


ODD = ["Déjà vu, DÉJÀ-VU!", "a I x 2", "", "the_end is 42nd ½ ²³", "ΣΊΣΥΦΟΣ ΟΔΟΣ", "Straße İstanbul", "café cafe\u0301 naïve", "数学 が 好き です",
       "don't can't won't", "tab\tand\nnewline", "good good good bad", "ⅷ ⅧⅧ x\u200dy zz", "AA aa Aa"]


def make():
    train, test = rows("train.csv", 400), rows("test.csv", 40)
    text, sources = [r["text"] for r in train], [r["source"] for r in train]
    cases = [case("reviews", text, [r["label"] for r in train], [r["text"] for r in test], keep_texts=False),
             case("reviews_sources", text, sources, [r["text"] for r in test], keep_texts=False),
             case("odd", ODD, ["a", "b", "a", "b", "b", "a", "b", "a", "a", "b", "a", "b", "a"], ODD + ["nothing known here"]),
             case("odd_of_four_strong", ODD, [str(i % 4) for i in range(len(ODD))], ODD, c=1000.0)]
    common.write_json(common.OUT / "bag_of_words.json", {"cases": cases})
