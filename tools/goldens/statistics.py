"""Intervals, tests, equivalence and power of SciPy and statsmodels; DeLong by its definition, comparing every pair of rows."""
import warnings

import numpy as np
from scipy import stats
from scipy.stats._resampling import _bca_interval
from statsmodels.stats import contingency_tables, multitest, power, proportion, weightstats

from . import common


def auc(positive, negative, axis=-1):
    wins = positive[..., :, None] - negative[..., None, :]
    return ((wins > 0) + 0.5 * (wins == 0)).mean(axis=(-2, -1))


def bca_parts(name, statistic, samples, resamples=400):
    """The deterministic parts: the same draws give the same shares of them."""
    g = common.rng("statistics bca " + name)
    draws = np.array([statistic(*[g.choice(s, len(s)) for s in samples], axis=-1) for _ in range(resamples)])
    low, high, a = _bca_interval(samples, statistic, -1, 0.025, draws, None, np)
    return {"name": name, "samples": samples, "estimate": float(statistic(*samples, axis=-1)), "draws": np.sort(draws),
            "acceleration": float(np.squeeze(a)), "low_share": float(np.squeeze(low)), "high_share": float(np.squeeze(high))}


def bootstrap(name, statistic, samples):
    r = stats.bootstrap(samples, statistic, n_resamples=20_000, method="BCa", vectorized=True, rng=common.rng("statistics bootstrap " + name), batch=500)
    return {"name": name, "samples": samples, "low": r.confidence_interval.low, "high": r.confidence_interval.high}


def bootstrap_cases():
    g = common.rng("statistics samples")
    binary = lambda n: (g.random(n) < 0.8).astype(float)
    parts = [bca_parts("mean of 30", np.mean, [g.exponential(1, 30)]), bca_parts("share of 50", np.mean, [binary(50)]),
             bca_parts("auc of 25 and 35", auc, [np.round(g.normal(1, 1, 25), 1), np.round(g.normal(0, 1, 35), 1)])]
    whole = [bootstrap("mean of 200", np.mean, [np.round(g.exponential(1, 200), 3)]),
             bootstrap("auc of 150 and 100", auc, [np.round(g.normal(1, 1, 150), 2), np.round(g.normal(0, 1, 100), 2)])]
    return {"parts": parts, "intervals": whole}


def mcnemar_cases():
    for a, b in ((0, 0), (0, 1), (0, 6), (5, 5), (1, 7), (6, 16), (121, 59), (86, 150), (30, 12), (1000, 1100), (40_000, 41_000)):
        p = contingency_tables.mcnemar([[10, a], [b, 10]], exact=True).pvalue if a + b else 1.0
        yield {"only_a_right": a, "only_b_right": b, "p": float(p)}
        if a + b:
            assert np.isclose(stats.binomtest(a, a + b).pvalue, p, rtol=1e-9)


def rank_cases():
    g = common.rng("statistics ranks")
    signed, total = [], []
    pairs = [(g.normal(0, 1, n), g.normal(shift, 1, n)) for n, shift in ((3, 2), (5, 1), (5, 0), (10, 1), (13, 0.5), (50, 0.3), (51, 0.3), (80, 0))]
    pairs += [(np.round(g.normal(0, 1, n)), np.round(g.normal(shift, 1, n))) for n, shift in ((4, 1), (9, 1), (13, 0), (14, 1), (40, 0.5), (60, 0))]
    for a, b in pairs:
        r = stats.wilcoxon(b, a)
        signed.append({"a": a, "b": b, "statistic": r.statistic, "p": r.pvalue})
    sides = [(g.normal(0, 1, n), g.normal(shift, 1, m)) for n, m, shift in ((3, 3, 3), (5, 5, 1), (8, 8, 0), (8, 30, 1), (1, 4, 0), (9, 9, 1), (40, 25, 0.5))]
    sides += [(np.round(g.normal(0, 1, n)), np.round(g.normal(shift, 1, m))) for n, m, shift in ((3, 3, 1), (5, 5, 0), (8, 9, 2), (30, 30, 0.5))]
    sides.append((np.ones(4), np.ones(3)))
    for a, b in sides:
        r = stats.mannwhitneyu(b, a)
        total.append({"a": a, "b": b, "statistic": r.statistic, "p": r.pvalue})
    return {"signed_rank": signed, "rank_sum": total}


def t_cases():
    g = common.rng("statistics t")
    for n, m, shift, scale in ((2, 2, 1, 1), (3, 3, 0, 1), (5, 5, 0.5, 1), (3, 8, 1, 4), (12, 12, 0.2, 1)):
        a, b = g.normal(0, 1, n), g.normal(shift, scale, m)
        w = stats.ttest_ind(b, a, equal_var=False)
        margin = 1.5
        case = {"a": a, "b": b, "t": w.statistic, "degrees": w.df, "p": w.pvalue, "low": w.confidence_interval(0.95).low, "high": w.confidence_interval(0.95).high,
                "margin": margin, "equivalent_p": weightstats.ttost_ind(b, a, -margin, margin, usevar="unequal")[0],
                "mean": a.mean(), "sd": a.std(ddof=1), "mean_low": stats.t.interval(0.95, n - 1, a.mean(), stats.sem(a))[0]}
        if n == m:
            r = stats.ttest_rel(b, a)
            case["paired"] = {"t": r.statistic, "p": r.pvalue, "low": r.confidence_interval(0.95).low, "high": r.confidence_interval(0.95).high,
                              "equivalent_p": weightstats.ttost_paired(b, a, -margin, margin)[0]}
        yield case


def row_equivalence_cases():
    g = common.rng("statistics equivalence")
    for n, shift, margin in ((50, 0.0, 0.1), (500, 0.01, 0.05), (2000, 0.04, 0.02)):
        d = (g.random(n) < 0.1 + shift).astype(int) - (g.random(n) < 0.1).astype(int)
        p, _, _ = weightstats.ztost(d, -margin, margin)
        yield {"differences": d, "margin": margin, "p": p}


def delong_case(name, positive, a, b):
    positive = np.array(positive, bool)
    parts, areas = [], []
    for s in (a, b):
        wins = (s[positive][:, None] > s[~positive]) + 0.5 * (s[positive][:, None] == s[~positive])
        areas.append(wins.mean())
        parts.append((wins.mean(axis=1), wins.mean(axis=0)))
    d1, d0 = parts[1][0] - parts[0][0], parts[1][1] - parts[0][1]
    se = np.sqrt(d1.var(ddof=1) / len(d1) + d0.var(ddof=1) / len(d0))
    difference, z = areas[1] - areas[0], stats.norm.ppf(0.975)
    return {"name": name, "positive": positive.astype(int), "a": a, "b": b, "auc_a": areas[0], "auc_b": areas[1],
            "low": difference - z * se, "high": difference + z * se, "p": 2 * stats.norm.sf(abs(difference) / se)}


def delong_cases():
    g = common.rng("statistics delong")
    for name, n, share, digits in (("ten rows", 10, 0.5, 8), ("skewed", 120, 0.1, 8), ("many ties", 150, 0.4, 0), ("hundreds", 200, 0.5, 3)):
        positive = g.random(n) < share
        positive[:2], positive[2:4] = True, False
        both = g.normal(0, 1, n)
        yield delong_case(name, positive, np.round(positive + both + g.normal(0, 0.5, n), digits), np.round(1.4 * positive + both + g.normal(0, 0.5, n), digits))


def power_cases():
    unpaired = [{"gap": gap, "rate": rate, "alpha": alpha, "power": wanted,
                 "rows": float(proportion.samplesize_proportions_2indep_onetail(gap, rate, wanted, alpha=alpha, alternative="two-sided"))}
                for gap, rate, alpha, wanted in ((0.05, 0.8, 0.05, 0.8), (0.01, 0.9, 0.05, 0.8), (-0.1, 0.5, 0.05, 0.9), (0.02, 0.95, 0.01, 0.8))]
    paired = [{"gap": gap, "discordant": disagree, "alpha": alpha, "power": wanted,
               "rows": float(power.normal_sample_size_one_tail(gap, wanted, alpha / 2, std_null=np.sqrt(disagree), std_alternative=np.sqrt(disagree - gap ** 2)))}
              for gap, disagree, alpha, wanted in ((0.05, 0.2, 0.05, 0.8), (0.01, 0.05, 0.05, 0.8), (0.02, 0.1, 0.01, 0.9), (0.1, 0.1, 0.05, 0.8))]
    return {"unpaired": unpaired, "paired": paired}


def holm_cases():
    for p in ([0.01], [0.01, 0.04, 0.03, 0.005], [0.5, 0.5, 0.9], [0.02, 0.02, 0.02], [1.0, 0.0, 0.3, 0.011, 0.049, 0.05]):
        yield {"p": p, "adjusted": multitest.multipletests(p, method="holm")[1]}


def wilson_cases():
    for hits, n, confidence in ((0, 20, 0.95), (411, 450, 0.95), (3, 7, 0.9), (999, 1000, 0.99)):
        low, high = proportion.proportion_confint(hits, n, 1 - confidence, method="wilson")
        yield {"hits": hits, "n": n, "confidence": confidence, "low": low, "high": high}


def make() -> None:
    warnings.filterwarnings("ignore")
    common.write_json(common.OUT / "statistics.json",
                      {"bootstrap": bootstrap_cases(), "mcnemar": list(mcnemar_cases()), **rank_cases(), "t": list(t_cases()),
                       "equivalent_rows": list(row_equivalence_cases()), "delong": list(delong_cases()), "power": power_cases(),
                       "holm": list(holm_cases()), "wilson": list(wilson_cases())})
