"""The report: sentences worked out by hand, hostile text, and the page itself."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from amazon_seg_assets.plots.style import cluster_colour
from amazon_seg_assets.rules.scheme import load_scheme
from amazon_seg_assets.stages.report import insights as say
from amazon_seg_assets.stages.report.advice import cluster_advice, general_advice, segment_advice
from amazon_seg_assets.stages.report.figures import figures_of
from amazon_seg_assets.stages.report.findings import (
    Concentration,
    Findings,
    Illustration,
    Leavers,
    Returns,
    Sentiment,
    Ties,
    YearAgo,
)
from amazon_seg_assets.stages.report.render import tell, to_html, to_markdown
from amazon_seg_assets.stages.sentiment.segments import COMPARISONS, beyond_chance
from amazon_seg_assets.texts import as_markdown
from amazon_seg_assets_tests.ended_run import HOSTILE
from amazon_seg_assets_tests.made_up import SECTIONS, of_a_hundred, overlap, segments
from amazon_seg_assets_tests.page import check_page

RELATIVE = (
    "Scores compare customers with each other, so this share is relative: it is much the same in a "
    "good year and in a bad one."
)


def told(insight: say.Insight | None) -> tuple[str, str]:
    """The gist of an insight, and its figures."""
    assert insight is not None
    title, text = tell(insight).removeprefix("**").split(".** ", 1)
    return title, text


def rated(scope: str, verified: bool, *reviews: int) -> pd.DataFrame:
    """Reviews with 1, 2, 3, 4 and 5 stars."""
    return pd.DataFrame(
        {
            "scope": scope,
            "rating": [1.0, 2.0, 3.0, 4.0, 5.0],
            "verified_purchase": verified,
            "reviews": reviews,
        }
    )


def popular(*names: str | None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "list": "most popular",
            "rank": range(1, len(names) + 1),
            "parent_asin": [f"B{number}" for number in range(len(names))],
            "product_name": names,
            "value": [100.0 - number for number in range(len(names))],
            "year": 2023,
        }
    )


@pytest.fixture
def findings() -> Findings:
    return of_a_hundred()


def test_growth_and_decline_since_a_year_ago(findings: Findings) -> None:
    assert say.a_year_ago(findings) is None
    then = YearAgo("2022-03", customers=125, spend=2_000.0, stayed=25)
    title, text = told(say.a_year_ago(replace(findings, a_year_ago=then)))
    assert title == "20.0 % fewer customers than a year ago, and 40.0 % more spend"
    assert text == (
        "100 customers spent $2,800; in the snapshot 2022-03, 125 spent $2,000. 25 of the "
        "customers of then, 20.0 %, are customers now."
    )
    same = YearAgo("2022-03", customers=100, spend=2_801.0, stayed=100)
    title, _ = told(say.a_year_ago(replace(findings, a_year_ago=same)))
    assert title == "As many customers as a year ago, and as much spend"


def test_new_customers_and_those_who_stayed_away_are_told_by_dates(findings: Findings) -> None:
    assert say.lifecycle(findings) is None
    table = pd.DataFrame(
        [("new", 60, 900.0, 0.0), ("returning", 30, 1.0, 1.0), ("lapsed", 45, 0.0, 1_250.0)],
        columns=["status", "customers", "spend", "spend_before"],
    )
    title, text = told(say.lifecycle(replace(findings, lifecycle=table)))
    assert title == "60.0 % of the customers are new, and 0.0 % came back after a year away"
    assert text == (
        "60 of 100 customers had their first review ever in this window, 30 had one in the year "
        "before it, too, and 0 only in earlier years. 45 customers of the year before stayed "
        "away; they had spent $1,250 in it."
    )
    _, text = told(say.lifecycle(replace(findings, lifecycle=table[:2])))
    assert text.endswith("Nobody of the year before stayed away.")


def test_lapsed_customers_are_most_if_they_are(findings: Findings) -> None:
    title, text = told(say.lapsed(findings))
    assert title == "Most of the customers have lapsed, or are about to, by relative scores"
    # Spend: 800 of 2,800 USD. Days: (50 * 200 + 30 * 300) / 80, and with 20 * 10 all over 100.
    assert text == (
        "Hibernating and Lost hold 80 customers, 80.0 % of all, and 28.6 % of the spend. Their "
        "last review was 238 days ago on average, compared with 192 for all customers. " + RELATIVE
    )
    few = replace(findings, segments=segments(Champions=(9, 1, 4, 9), Lost=(1, 300, 1, 9)))
    title, text = told(say.lapsed(few))
    assert title == "10.0 % of the customers have lapsed, or are about to, by relative scores"
    assert text.startswith("Lost hold 1 customer, 10.0 %")
    assert say.lapsed(replace(findings, segments=segments(Champions=(9, 1, 4, 9)))) is None


def test_shares_by_fixed_thresholds_are_not_relative(findings: Findings) -> None:
    frozen = findings.scheme.model_copy(update={"scoring": "thresholds"})
    title, text = told(say.lapsed(replace(findings, scheme=frozen)))
    assert title == "Most of the customers have lapsed, or are about to"
    assert "relative" not in text


def test_whoever_is_at_risk_counts_as_lapsed(findings: Findings) -> None:
    # Gone for longer than those about to sleep, however much they spent before.
    table = segments(Champions=(5, 1, 4, 9), About_to_Sleep=(1, 90, 1, 9), At_Risk=(4, 300, 2, 9))
    title, text = told(say.lapsed(replace(findings, segments=table)))
    assert title == "50.0 % of the customers have lapsed, or are about to, by relative scores"
    assert text.startswith("About to Sleep and At Risk hold 5 customers")


def test_the_notebook_s_lost_are_told_apart(findings: Findings) -> None:
    _, text = told(say.lapsed(replace(findings, scheme=load_scheme("notebook"))))
    assert text.endswith("Lost is also where customers go whom no other rule covers.")


def test_who_brings_the_money(findings: Findings) -> None:
    title, text = told(say.who_brings_the_money(findings))
    assert title == "At least half of the spend comes from 1 of 3 segments"
    assert text == "Champions hold 20.0 % of the customers and 71.4 % of the spend."
    two = segments(At_Risk=(1, 9, 1, 40), Lost=(1, 9, 1, 40), Promising=(2, 9, 1, 10))
    _, text = told(say.who_brings_the_money(replace(findings, segments=two)))
    assert text.startswith("At Risk and Lost hold 50.0 % of the customers and 80.0 %")
    one = replace(findings, segments=segments(Lost=(5, 9, 1, 40)))
    assert say.who_brings_the_money(one) is None


def test_a_high_mean_spend_stands_out_or_not(findings: Findings) -> None:
    title, text = told(say.highest_mean_spend(findings))
    assert (title, text) == (
        "Highest mean spend: Champions",
        "20 customers with a mean spend of $100.00, 3.6 times that of all customers ($28.00).",
    )
    even = segments(Lost=(5, 9, 1, 12), Champions=(5, 9, 1, 11))
    assert say.highest_mean_spend(replace(findings, segments=even)) is None


def test_customers_at_stake_spend_more_and_are_gone_longer(findings: Findings) -> None:
    assert say.drifting(findings) is None
    table = segments(Champions=(1, 10, 2, 50.0), At_Risk=(1, 300, 2, 150.0))
    _, text = told(say.drifting(replace(findings, segments=table)))
    assert text == (
        "At Risk hold 1 customer and 75.0 % of the spend. On average they spent $150.00 each (all "
        "customers: $100.00), but were last active 300 days ago (all customers: 155). " + RELATIVE
    )
    poor = segments(Champions=(1, 10, 2, 150.0), At_Risk=(1, 300, 2, 50.0))
    assert say.drifting(replace(findings, segments=poor)) is None


def test_newcomers_only_where_equal_customers_get_equal_scores(findings: Findings) -> None:
    title, _ = told(say.newcomers(findings))
    assert title == "No newcomers"
    assert say.newcomers(replace(findings, scheme=load_scheme("notebook"))) is None
    table = segments(Lost=(96, 9, 1, 9), Promising=(3, 9, 1, 9), New_Customers=(1, 9, 1, 9))
    title, text = told(say.newcomers(replace(findings, segments=table)))
    assert title == "Few newcomers, by relative scores"
    assert text == (
        "4 customers, 4.0 % of all, were active recently, with few reviews and little spend so "
        "far: 1 in New Customers and 3 in Promising. " + RELATIVE
    )


def test_customers_who_came_more_than_once(findings: Findings) -> None:
    title, text = told(say.repeat_customers(findings))
    assert title == "20.0 % of the customers came more than once, and bring 71.4 % of the spend"
    assert text == "20 of 100 customers have several reviews that count in the window; 80 have one."
    most = replace(findings, concentration=Concentration(0.1, 51, 2_000.0))
    assert told(say.repeat_customers(most))[0].startswith("Most customers came more than once")
    nobody = replace(findings, concentration=Concentration(0.1, 0, 0.0))
    title, _ = told(say.repeat_customers(nobody))
    assert title == "No customer has more than one review that counts"


@pytest.mark.parametrize(
    ("top", "title"),
    [
        (0.51, "A tenth of the customers brings more than half of the spend"),
        (0.45, "A tenth of the customers brings 45.0 % of the spend"),
        (0.15, "The spend is spread evenly over the customers"),
    ],
)
def test_what_a_tenth_of_the_customers_brings(findings: Findings, top: float, title: str) -> None:
    found = replace(findings, concentration=Concentration(top, 20, 2_000.0))
    said, text = told(say.concentration(found))
    assert said == title
    # Of 2,800 USD of 100 customers, for ten of them.
    mean = f"${280 * top:.2f}"
    assert text.endswith(f"brings about {top:.1%} each: ".replace("% each", " %") + mean + (
        " each, where all customers spent $28.00."
    ))  # fmt: skip
    few = replace(found, segments=segments(Lost=(9, 9, 1, 9)))
    assert say.concentration(few) is None


def test_good_customers_by_the_rules_of_a_year_ago(findings: Findings) -> None:
    columns = ["from_segment", "to_segment", "customers"]
    rows = [
        ("Champions", "Champions", 10), ("Champions", "Lost", 5), ("Champions", None, 25),
        ("Lost", "Loyal Customers", 10), (None, "Champions", 10), (None, "Lost", 65),
    ]  # fmt: skip
    moves = pd.DataFrame(rows, columns=columns)
    assert say.by_behaviour(replace(findings, moves=moves)) is None
    then = YearAgo("2022-03", customers=125, spend=2_000.0, stayed=25)
    title, text = told(say.by_behaviour(replace(findings, moves=moves, a_year_ago=then)))
    assert title == (
        "25.0 % fewer customers in Champions and Loyal Customers than a year ago, by behaviour "
        "alone"
    )
    assert text == (
        "By the rules of 2022-03, there were 40 then and are 30 now. Of 40 customers in Champions, "
        "25.0 % still are, 12.5 % are Lost, 62.5 % are gone."
    )
    none = replace(findings, moves=moves[4:], a_year_ago=then)
    title, text = told(say.by_behaviour(none))
    assert title.startswith("10 customers in Champions and Loyal Customers, where there was nobody")
    assert text.endswith("there were 0 then and are 10 now.")
    assert say.by_behaviour(replace(none, moves=moves[5:])) is None


def test_agreement_names_the_most_scattered_segment(findings: Findings) -> None:
    _, text = told(say.agreement(findings))
    assert text.endswith("Each segment lies within one cluster.")
    # Of the larger segment more customers are elsewhere, but a smaller share.
    rows = overlap(
        (0, "A", "Lost", 60), (1, "B", "Lost", 20),
        (0, "A", "Champions", 3), (1, "B", "Champions", 2),
    )  # fmt: skip
    _, text = told(say.agreement(replace(findings, overlap=rows)))
    assert text.endswith(
        "The most scattered segment is Champions: 60.0 % of it is in the cluster A, the rest in 1 "
        "other."
    )


def test_contradictions_of_segments_and_labels(findings: Findings) -> None:
    assert say.contradictions(findings) is None
    rows = overlap(
        (0, "Splurger (higher spend)", "Champions", 5),
        (1, "Regular", "Champions", 15),
        (2, "Novice", "Lost", 1),
        (3, "Gone", "Lost", 199),
        (2, "Novice", "Hibernating", 2),
        (3, "Gone", "Hibernating", 6),
    )
    roles = {
        "Splurger (higher spend)": "big_spender", "Regular": "loyal", "Novice": "newcomer",
        "Gone": "lapsed",
    }  # fmt: skip
    _, text = told(say.contradictions(replace(findings, overlap=rows, cluster_roles=roles)))
    # One of 200 is below a hundredth.
    assert text == (
        "5 of 20 Champions (25.0 %) are in a cluster labelled Splurger; 2 of 8 Hibernating "
        "(25.0 %) are in a cluster labelled Novice."
    )


def test_ties_are_told_if_the_notebook_separates_equals(findings: Findings) -> None:
    _, text = told(say.equal_customers(findings))
    assert text == (
        "Under it, 80.0 % of the customers have a different frequency score from somebody with "
        "the same number of reviews, up to 5 scores for one number; under the standard scheme "
        "nobody does. 25.0 % have a twin, equal in recency, frequency and spend, in another "
        "segment. Compared with the standard scores under the same rules, its tiles put at least "
        "12 customers in another segment: New Customers lose 12, Champions gain 9."
    )
    none = {"standard": Ties(0.0, 0.0, 1), "notebook": Ties(0.0, 0.0, 1)}
    assert say.equal_customers(replace(findings, ties=none)) is None


def test_ratings_of_verified_purchases_and_others(findings: Findings) -> None:
    assert say.ratings(findings) is None
    assert say.verified_ratings(findings) is None
    table = pd.concat(
        [
            rated("all time", True, 200, 0, 0, 100, 500),
            rated("all time", False, 0, 0, 200, 0, 0),
            rated("2023", True, 0, 0, 0, 400, 600),
            rated("2023", False, 0, 0, 0, 25, 75),
        ]
    )
    explored = replace(findings, ratings=table)
    title, text = told(say.ratings(explored))
    assert title == "5 stars is the most common rating"
    assert text == (
        "50.0 % of all raw reviews give it; 1 and 5 stars together make up 70.0 %: reviewers tend "
        "to the extremes."
    )
    title, text = told(say.verified_ratings(explored))
    assert title == "Reviews without a verified purchase give 5 stars more often"
    assert text == (
        "In 2023, 75.0 % of 100 reviews without a verified purchase give 5 stars, compared with "
        "60.0 % of 1,000 with one."
    )
    assert figures_of(explored)["unverified_five_star_excess"] == pytest.approx(0.15)
    assert "Look into 5-star reviews for fakes" in [one.title for one in general_advice(explored)]
    assert (
        "\n\nExcess share of 5-star reviews among unverified purchases in 2023: 15.0 %\n\n"
    ) in to_markdown(explored)


def test_few_reviews_support_no_difference(findings: Findings) -> None:
    # 3 of 4 against 60 of 100: two standard errors of no difference are 0.50.
    table = pd.concat([rated("2023", True, 0, 0, 0, 40, 60), rated("2023", False, 0, 0, 0, 1, 3)])
    few = replace(findings, ratings=table)
    title, _ = told(say.verified_ratings(few))
    assert title == "5-star ratings are about as common with a verified purchase as without"
    assert "unverified_five_star_excess" not in figures_of(few)
    none = pd.concat([rated("2023", True, 0, 0, 0, 40, 60), rated("2023", False, 0, 0, 0, 0, 0)])
    assert say.verified_ratings(replace(findings, ratings=none)) is None


def test_verified_purchases_are_a_share_of_the_raw_reviews(findings: Findings) -> None:
    _, text = told(say.verified_purchases(findings))
    assert text.startswith("900 of 1,000 raw reviews, 90.0 %")


def test_popular_products_and_audio(findings: Findings) -> None:
    names = ("Wireless Ear Buds, black", "Headphone Case", "Heads up display", None)
    _, text = told(say.popular(replace(findings, top_products=popular(*names))))
    assert text == (
        "The product with most verified reviews is “Wireless Ear Buds, black”, with 100 reviews. 2 "
        "of the 4 most reviewed products are headphones, earbuds or headsets, by their names."
    )
    explored = replace(findings, top_products=popular(*names))
    assert figures_of(explored)["audio_share_of_popular"] == 0.5
    assert (
        "#### Consider own-brand audio devices\n\nHeadphones and the like among the most reviewed "
        "products of 2023: 50.0 %\n\n- **Action:** "
    ) in to_markdown(explored)
    _, text = told(say.popular(replace(findings, top_products=popular(None))))
    assert text == "The product with most verified reviews is “B0”, with 100 reviews."
    assert say.popular(replace(findings, top_products=popular())) is None


def test_figures_that_a_run_does_not_support_are_left_out(findings: Findings) -> None:
    assert figures_of(findings) == {
        "one_review_share": 0.8,
        "newcomer_share": 0.0,
        "lapsed_share": 0.8,
    }
    notebook = replace(findings, scheme=load_scheme("notebook"))
    assert "newcomer_share" not in figures_of(notebook)


def lifecycle(**customers: int) -> pd.DataFrame:
    """Customers by status: new, returning, won_back and lapsed."""
    table = pd.DataFrame(customers.items(), columns=["status", "customers"])
    return table.assign(spend=0.0, spend_before=0.0)


def stars(five_of_unverified: int) -> pd.DataFrame:
    """A year of 1,000 verified reviews, 60 % of them with 5 stars, and 1,000 others."""
    return pd.concat(
        [
            rated("2023", True, 400, 0, 0, 0, 600),
            rated("2023", False, 1_000 - five_of_unverified, 0, 0, 0, five_of_unverified),
        ]
    )


REACHING: dict[str, tuple[dict[str, object], list[dict[str, object]]]] = {
    # Of 100 customers of the year before, 40 stayed away, and 6 or 4 are not replaced.
    "Look for new customers": (
        {"lifecycle": lifecycle(new=34, returning=60, won_back=5, lapsed=40)},
        [
            {"lifecycle": lifecycle(new=36, returning=60, won_back=5, lapsed=40)},
            {"lifecycle": lifecycle(new=99, returning=60, won_back=5, lapsed=40)},
            {"lifecycle": lifecycle(new=99, returning=0, won_back=5, lapsed=0)},
            {"lifecycle": None},
        ],
    ),
    "Launch a win-back campaign": (
        {"lifecycle": lifecycle(new=99, returning=50, won_back=0, lapsed=50)},
        [
            {"lifecycle": lifecycle(new=0, returning=51, won_back=0, lapsed=49)},
            {"lifecycle": None},
        ],
    ),
    "Give a reason to come back": (
        {"concentration": Concentration(0.5, 50, 100.0)},
        [{"concentration": Concentration(0.5, 51, 100.0)}],
    ),
    "Look into 5-star reviews for fakes": (
        {"ratings": stars(650)},
        [{"ratings": stars(649)}, {"ratings": stars(400)}, {"ratings": None}],
    ),
    "Consider own-brand audio devices": (
        {"top_products": popular("Headset", "Cable", "Lamp", "Tripod")},
        [
            {"top_products": popular("Headset", "Cable", "Lamp", "Tripod", "Mouse")},
            {"top_products": None},
        ],
    ),
}
"""Data by which each general recommendation applies, and data by which it does not."""


def test_each_general_recommendation_can_be_reached_and_need_not_be(findings: Findings) -> None:
    assert list(REACHING) == [one.title for one in findings.recommendations.general]
    for title, (reaching, others) in REACHING.items():
        applies = [
            title in [one.title for one in general_advice(replace(findings, **changes))]  # type: ignore[arg-type]
            for changes in (reaching, *others)
        ]
        assert applies == [True, *[False] * len(others)], title
        assert f"#### {title}\n\n" in to_markdown(replace(findings, **reaching))  # type: ignore[arg-type]


def test_figures_of_the_history_are_told_with_their_advice(findings: Findings) -> None:
    history = lifecycle(new=10, returning=30, won_back=60, lapsed=70)
    markdown = to_markdown(replace(findings, lifecycle=history))
    for title, figure in (
        ("Look for new customers", "Customers of the year before who stayed away and whom no new "
         "customer replaces: 60.0 %"),
        ("Launch a win-back campaign", "Customers of the year before who stayed away: 70.0 %"),
    ):  # fmt: skip
        assert f"#### {title}\n\n{figure}\n\n- **Action:** " in markdown


PRIME, DISCOUNT = "free trial month of Prime", "discount"
ORIGINAL_ADVICE = {
    "Champions": ["reward programme", "points or cash back"],
    "Loyal Customers": ["points per dollar", "cash back in tiers", "return period is over"],
    "Potential Loyalists": ["reward programme", "points", "perk"],
    "New Customers": [PRIME, DISCOUNT],
    "Needs Attention": [PRIME, DISCOUNT, "front page"],
    "About to Sleep": [PRIME, DISCOUNT, "front page"],
    "At Risk": [PRIME, DISCOUNT],
    "Can't Lose Them": [PRIME, DISCOUNT, "most generous"],
    "Hibernating": ["campaign"],
    "Lost": ["win-back campaign"],
    "New Customer": [PRIME, "discounted products", "loyalty programme", "points"],
    "Loyal Customer": ["points per dollar", "cash back at higher rates", "tiers"],
    "Churned": ["win-back campaign"],
}
"""Advice of the original analysis, by segment and by label of clusters."""


def test_the_original_s_advice_is_given_to_its_customers(findings: Findings) -> None:
    poor = {"Needs Attention", "At Risk"}
    everybody = segments(
        **{
            name.replace(" ", "_"): (10, 100.0, 2.0, 20.0 if name in poor else 50.0)
            for name in findings.scheme.segments
        }
    )
    clusters = everybody[:3].drop(columns="segment").assign(
        cluster=[0, 1, 2], cluster_label=["New Customer", "Loyal Customer", "Churned"],
        silhouette=0.5, stability=1.0,
    )  # fmt: skip
    told = replace(findings, segments=everybody, clusters=clusters)
    advice = {one.name: one for one in (*segment_advice(told), *cluster_advice(told))}
    for name, words in ORIGINAL_ADVICE.items():
        one = advice[name].recommended
        text = f"{one.action} {one.offer} {one.channel}".lower()
        assert [word for word in words if word.lower() not in text] == [], name
    minded = {
        name
        for name, one in advice.items()
        if one.recommended.if_low_spend and one.mean_spend < told.mean_spend
    }
    assert minded == poor


def test_advice_is_by_the_money_at_stake_and_low_spend_is_minded(findings: Findings) -> None:
    advice = segment_advice(findings)
    assert [one.name for one in advice] == ["Champions", "Hibernating", "Lost"]
    cards = to_markdown(findings).split("## What to do\n")[1]
    champions, hibernating = (
        cards.split(f"\n### {name}\n\n")[1].split("\n### ")[0]
        for name in ("Champions", "Hibernating")
    )
    assert champions.startswith(
        "20 customers (20.0 %) · mean spend $100.00 · 71.4 % of all spend\n\n- **At stake:** "
    )
    assert "Mind the cost" not in champions
    assert "\n- **Mind the cost:** Their mean spend is below" in hibernating
    assert [one.title for one in general_advice(findings)] == ["Give a reason to come back"]


def test_money_at_stake_follows_from_who_came_back_a_year_ago(findings: Findings) -> None:
    assert [one.at_stake for one in segment_advice(findings)] == [2_000.0, 500.0, 300.0]
    assert say.money_at_stake(findings) is None
    unknown = to_markdown(findings)
    assert "- **At stake:** $2,000, all that they spent: how many such customers come" in unknown
    returns = Returns("2022-03", 180, {"Champions": 0.8, "Lost": 0.0}, overall=0.25)
    known = replace(
        findings, returns=returns, lists={"Champions": "/data/champions.csv", "Lost": "/lost.csv"}
    )
    ordered = [(one.name, one.at_stake) for one in segment_advice(known)]
    assert [name for name, _ in ordered] == ["Hibernating", "Champions", "Lost"]
    assert [usd for _, usd in ordered] == pytest.approx([500.0, 400.0, 300.0])
    title, text = told(say.money_at_stake(known))
    assert title == "$1,200 of $2,800 is at stake, if customers come back as they did a year ago"
    assert text == (
        "Of the customers of 2022-03, 25.0 % came back within 180 days. Most is at stake with "
        "Hibernating: $500.00."
    )
    lines = to_markdown(known).splitlines()
    for line in (
        "- **At stake:** $400.00: what they spent, times the 20.0 % of such customers in 2022-03 "
        "who did not come back within 180 days.",
        "Where most money is at stake: what a segment spent, times the share of such customers who "
        "did not come back after the snapshot 2022-03. The prize is what comes in if one in ten "
        "buys again at the segment's mean spend.",
        "- **The prize:** $200.00, if one in ten buys again at their mean spend.",
        "- **Their list:** /data/champions.csv",
        "- **Their list:** not exported yet: materialize segment_export, then this report again.",
    ):
        assert line in lines, line


def test_advice_names_what_customers_buy(findings: Findings) -> None:
    kinds = [("Lost", "Cables", 1.3), ("Lost", "*Hubs*", 2.0), ("Lost", "Pens", 1.1)]
    products = pd.DataFrame(kinds, columns=["segment", "name", "lift"])
    text = to_markdown(replace(findings, products=products))
    assert (
        "\n- **They buy:** more often than others, \\*Hubs\\* (2.0 times as often), Cables (1.3 "
        "times as often).\n"
    ) in text
    assert text.count("They buy") == 1


def test_clusters_of_one_label_share_advice_with_their_figures(findings: Findings) -> None:
    table = segments(Churned=(80, 250, 1.0, 10.0), A=(15, 10, 4.0, 120.0), B=(5, 10, 4.0, 40.0))
    labels = ["Churned", "Loyal Customer (higher spend)", "Loyal Customer (lower spend)"]
    clusters = table.drop(columns="segment").assign(
        cluster=[0, 1, 2], cluster_label=labels, silhouette=0.5, stability=1.0
    )
    grouped = replace(findings, clusters=clusters)
    loyal, churned = cluster_advice(grouped)
    assert (loyal.name, loyal.spend) == ("Loyal Customer", 2_000.0)
    assert (loyal.colour, churned.colour) == ("", cluster_colour(0))
    markdown = to_markdown(grouped)
    assert (
        "\nClusters 1 and 2 · 20 customers (20.0 %) · mean spend $100.00 · 71.4 % of all spend\n"
    ) in markdown
    assert "\n\nCluster 0 · 80 customers (80.0 %) · mean spend $10.00 · " in markdown


def test_the_choice_of_k_says_what_was_done(findings: Findings) -> None:
    assert "Each k had 12 starts, and its best run converged." in to_markdown(findings)
    stopped = replace(findings, n_init=1, sweep=findings.sweep.assign(converged=False))
    markdown = to_markdown(stopped)
    assert "Each k had 1 start. Where the table says “no”, the best run stopped before" in markdown


def test_plain_and_squared_silhouettes_are_told_apart(findings: Findings) -> None:
    title, text = told(say.structure_of_clusters(findings))
    assert title == "By the usual scale, the clusters show reasonable structure"
    assert "is 0.52 by plain distances, which that scale is meant for, and 0.75 by squared" in text


def test_the_page_needs_nothing_else(findings: Findings) -> None:
    html = to_html(replace(findings, category="Toys_and_*Games*"))
    page = check_page(html)
    assert "<title>Customer segments: Toys and *Games*</title>" in html
    assert page.tags.count("img") == len(SECTIONS)
    assert "100 customers" in page.text
    assert "k = 2 was set by hand." in page.text
    assert "9.87" not in page.text  # how long it took differs from run to run


def test_both_forms_say_the_same_and_always_the_same(findings: Findings) -> None:
    html, markdown = to_html(findings), to_markdown(findings)
    assert (html, markdown) == (to_html(findings), to_markdown(findings))
    for text in (
        "Champions hold 20.0 % of the customers and 71.4 % of the spend.",
        "Cluster 0 · 80 customers (80.0 %) · mean spend $10.00 · 28.6 % of all spend",
        "Reach out in one win-back campaign, and stop where nobody answers.",
        "A review is not a purchase",
        "Raw reviews of the 13 months read for the window",
        "Not shown: materialize rating",
        "One list of actions, by the money at stake",
    ):
        assert text in html.replace("\N{NO-BREAK SPACE}", " ")
        assert text in markdown
    assert "| left out: not verified | −40 |" in markdown
    assert "duplicates" not in markdown.split("From raw reviews")[1].split("\n\n")[1]
    assert "| Reviews that count | 300 |" in markdown
    assert "| Spend | $5.50 | $1,250.00 | – | – |" in markdown
    assert "| Recency, days | 300 | 200.5 | – | – |" in markdown
    assert "\n\n*Picture `choice_plot`: On choice.* What choice\\_plot shows\n\n" in markdown
    # General advice stands below a heading of its own.
    assert "### Beyond single segments\n\n#### Give a reason to come back" in markdown
    assert html.index("<h3>Beyond single segments</h3>") < html.index("<h4>Give a reason to come")
    # So does advice on clusters, below their table; here no label is Loyal Customer.
    assert "### What to do about the clusters\n\n> " in markdown
    assert markdown.index("| 0 | Churned |") < markdown.index("#### Churned\n")
    own = replace(
        findings, recommendations=findings.recommendations.model_copy(update={"clusters": {}})
    )
    assert "What to do about the clusters" not in to_markdown(own)
    # Markdown links to the headings by what it makes of them.
    assert "- [The data and its limits](#the-data-and-its-limits)" in markdown


def test_invented_customers_are_told_under_the_title(findings: Findings) -> None:
    sample = replace(findings.origin, is_sample=True)
    for write in (to_html, to_markdown):
        assert "invented" not in write(findings)
        assert (
            "Snapshot 2023-03 · 100 customers, invented (built-in sample) · reviews from 2022-03-20"
        ) in write(replace(findings, origin=sample))


def test_figures_are_under_their_headings(findings: Findings) -> None:
    markdown = to_markdown(findings)
    lines = markdown.splitlines()
    for line in (
        "- **100** customers",
        "- **$2,800** spend",
        "- **$28.00** a customer",
        "- **What has changed is not known.** The snapshot of a year before is not stored.",
        "| Segment | Customers | Share | Recency (days) | Reviews | Mean spend | Total spend | "
        "Share of spend |",
        "| Champions | 20 | 20.0 % | 10 | 4.00 | $100.00 | $2,000 | 71.4 % |",
        "| Cluster | Label | Customers | Share | Recency (days) | Reviews | Mean spend | "
        "Share of spend | Squared silhouette | Stability |",
        "| 0 | Churned | 80 | 80.0 % | 250 | 1.00 | $10.00 | 28.6 % | 0.80 | 100.0 % |",
        "| k | Sum of squares | Squared silhouette | Plain silhouette | Converged | Choice |",
        "| 2 | 123 | 0.750 | 0.500 | yes | chosen |",
        "| Feature | 1 to 2 | 2 to 3 | 3 to 4 | 4 to 5 |",
        "| Recency, days | 300 | 200.5 | – | – |",
    ):
        assert line in lines
    assert "**Missing prices.** 25.0 % of the verified" in markdown
    first = markdown.split("### What to do first\n\n")[1].splitlines()
    assert first[0].startswith(
        "Where most money is at stake: what a segment spent, as nothing is known of who comes back."
    )
    assert first[2].startswith("- **Champions: $2,000 at stake, a prize of $200.00.** ")
    first_page, rest = markdown.split("## Segments\n")
    details, appendix = rest.split("## Appendix: clusters\n")
    for title, here in (
        ("20.0 % of the customers came", first_page),
        ("Highest mean spend", details),
        ("The notebook scheme", appendix),
    ):
        assert markdown.count(f"\n- **{title}") == here.count(f"\n- **{title}") == 1


def test_the_first_page_tells_changes_and_the_day_of_making(findings: Findings) -> None:
    table = pd.DataFrame(
        [("new", 60, 0.0), ("returning", 30, 0.0), ("won_back", 10, 0.0), ("lapsed", 45, 9.0)],
        columns=["status", "customers", "spend_before"],
    )
    then = YearAgo("2022-03", customers=125, spend=2_000.0, stayed=25)
    lines = to_markdown(replace(findings, lifecycle=table, a_year_ago=then)).splitlines()
    assert lines[2].endswith(" to 2023-03-20 · made on 2023-04-05")
    for line in (
        "- **100** customers (down 20.0 % since a year ago)",
        "- **$2,800** spend (up 40.0 % since a year ago)",
        "- **$28.00** a customer (up 75.0 % since a year ago)",
        "- **60** new (first review ever)",
        "- **10** came back (after a year away)",
        "- **45** stayed away (of the year before)",
    ):
        assert line in lines, line
    assert "is not known" not in " ".join(lines[:40])


def test_other_ways_to_cluster_are_told_where_they_are_made(findings: Findings) -> None:
    assert "Other ways" not in to_markdown(findings)
    told = to_markdown(replace(findings, other_ways="Keep K-Means with k = 2."))
    assert "\nOther ways to cluster: Keep K-Means with k = 2.\n" in told


def test_only_the_appendix_speaks_of_the_notebook_scheme(findings: Findings) -> None:
    before = to_markdown(findings).split("## Appendix: clusters\n")[0]
    assert "notebook" not in before


def test_text_from_the_data_is_only_text(findings: Findings) -> None:
    others = ["![x](y)", "1. a", "<http://a.b>", "a\\| b", "&copy;", "~~~", "==", "**b**: `c`", "#"]
    hostile = replace(
        findings,
        origin=replace(findings.origin, source=HOSTILE),
        top_products=popular(HOSTILE, *others),
        clusters=findings.clusters.assign(cluster_label=[HOSTILE, "Loyal"]),
        evaluation=replace(findings.evaluation, sentences=[HOSTILE, *others]),
        why_k="- no list",
        illustrations=[Illustration("elbow_plot", "choice", b"<svg/>", b"", HOSTILE, HOSTILE)],
    )
    page = check_page(to_html(hostile))
    assert page.tags.count("img") == 1
    # The source, the label and the sentence; a caption keeps its line ends, and a product's name,
    # told twice, loses what cannot be printed.
    assert page.text.count(" ".join(HOSTILE.split())) == 3
    assert page.text.count("<script>alert(1)</script>") == 3 + 1 + 2
    for text in others:
        assert page.text.count(f"\n{text}\n") == 2
    assert "\n- no list\n" in page.text
    markdown = to_markdown(hostile)
    assert "<script" not in markdown
    assert "\n# y" not in markdown
    [row] = [line for line in markdown.splitlines() if line.startswith("| 1 | &lt;")]
    assert row == (
        "| 1 | &lt;script&gt;alert(1)&lt;/script&gt; \\](javascript:alert(1)) \\| \\`code\\` "
        "\\*\\*x\\*\\* &amp;amp; '\" \\# y | 100 |"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. first", "1\\. first"),
        ("2) second", "2\\) second"),
        ("1.05", "1.05"),
        ("- item", "\\- item"),
        ("a\nb  c", "a b c"),
        ("<b>&", "&lt;b&gt;&amp;"),
    ],
)
def test_markdown_takes_texts_as_they_are(text: str, expected: str) -> None:
    assert as_markdown(text) == expected


def test_segments_without_a_recommendation_are_named(findings: Findings) -> None:
    kept = {"Lost": findings.recommendations.segments["Lost"]}
    own = findings.recommendations.model_copy(update={"segments": kept})
    few = replace(findings, recommendations=own)
    assert [one.name for one in segment_advice(few)] == ["Lost"]
    assert "There is no recommendation for Hibernating and Champions: " in to_markdown(few)


def test_the_page_shows_colours_captions_and_cards(findings: Findings) -> None:
    html = to_html(findings)
    champions, churned = findings.scheme.colours["Champions"], cluster_colour(0)
    for text in (
        f'<th scope="row"><span class="swatch" style="background:{champions}"></span>Champions<',
        f'<th scope="row"><span class="swatch" style="background:{churned}"></span>0</th>',
        '<td style="text-align:right">20.0\N{NO-BREAK SPACE}%</td>',
        f'<div class="advice">\n<article style="border-left-color:{champions}">\n<h3>Champions<',
        "<table>\n<caption><strong>Score thresholds of this run</strong></caption>\n<thead>",
        'alt="What choice_plot shows">\n<figcaption>On choice.</figcaption>',
    ):
        assert text in html
    # One grid of cards on segments, one in general, one on clusters.
    assert html.count('<div class="advice">') == 3
    assert html.count("<article") == html.count("</article>") == 3 + 1 + 1


def test_rules_of_any_kind_are_shown_as_a_table(findings: Findings) -> None:
    grid = to_markdown(findings).split("| R | FM 1 |")[1]
    assert "\n| 2 | Hibernating | Hibernating | About to Sleep | At Risk | Can't Lose Them" in grid
    notebook = to_markdown(replace(findings, scheme=load_scheme("notebook")))
    assert "so those who lie on a threshold are split" in notebook
    assert "\n**The first rule that holds counts**\n\n| Segment | R | F | M |\n" in notebook
    assert "\n| Champions | 4, 5 | 4, 5 | 4, 5 |\n" in notebook
    assert "\n| Lost | otherwise | | |\n" in notebook


def with_sentiment(**changes: Any) -> Findings:
    """Findings with what the texts of two segments say."""
    rows = pd.DataFrame(
        {
            "grouping": "segment", "name": ["Champions", "Lost"], "reviews": [300, 100],
            "negative_share": [0.1, 0.2], "negative_share_low": [0.08, 0.1],
            "negative_share_high": [0.15, 0.4], "contradicting_share": [0.02, 0.0],
            "change": [-0.05, math.nan], "change_low": [-0.08, math.nan],
            "change_high": [-0.01, math.nan], "against_others": [-0.1, 0.1],
            "against_others_low": [-0.2, -0.01], "against_others_high": [-0.01, 0.2],
            "left_difference": math.nan, "left_difference_low": math.nan,
            "left_difference_high": math.nan,
        }
    )  # fmt: skip
    said = Sentiment(
        rows,
        {name: beyond_chance(rows, name) for name in COMPARISONS},
        "2022-03",
        {"Champions": ["battery died", "*refund*"]},
        {"Champions": ["charger"]},
        10,
        Leavers("2022-03", 180, 0.3, 0.2, (0.1, -0.01, 0.2)),
        0.9,
        0.83,
    )
    return replace(of_a_hundred(), sentiment=replace(said, **changes))


def test_what_customers_say_is_told_with_what_is_no_chance_and_with_words() -> None:
    markdown = to_markdown(with_sentiment())
    for told in (
        "400 texts of these customers in the window, of which 12.5 % are negative",
        "| Champions | 300 | 10.0 % | 8.0 % and 15.0 % | 2.0 % | 5.0 points less |",
        "| Lost | 100 | 20.0 % | 10.0 % and 40.0 % | 0.0 % | – |",
        "**Champions are more content than the others:** 10.0 % of their texts are negative, "
        "10.0 points less than of all other customers' (between 20.0 points less and 1.0 points "
        "less).",
        "**Champions have become more content** since 2022-03: 5.0 points less",
        "**Customers do not visibly turn before they go.** Of the customers of 2022-03, those "
        "without a review in the 180 days that followed had 30.0 % negative texts, those who "
        "stayed 20.0 %",
        "**Unhappy Champions:** battery died and \\*refund\\*. More than other unhappy customers: "
        "charger.",
        "tells 90.0 % right, a lexicon (VADER) 83.0 %",
    ):
        assert told in markdown
    assert "Lost are" not in markdown


def test_nothing_is_told_of_sentiment_that_could_be_chance() -> None:
    nothing = dict.fromkeys(COMPARISONS, pd.DataFrame(columns=["name", *COMPARISONS]))
    sure = Leavers("2022-03", 180, 0.3, 0.2, (0.1, 0.01, 0.2))
    markdown = to_markdown(with_sentiment(told=nothing, leavers=sure, words={}, accuracy=None))
    assert "**No segment stands out.**" in markdown
    assert "**No change is sure.** Against the snapshot 2022-03" in markdown
    assert "**Customers who left were less content before they went.**" in markdown
    for absent in ("What the unhappy talk about", "VADER", "more content than"):
        assert absent not in markdown
    assert "## What they say" not in to_markdown(of_a_hundred())
