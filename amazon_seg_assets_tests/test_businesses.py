"""Headlines of the report for businesses that fare differently: each must tell some apart.

Customers are drawn day by day, and what the report is made from is worked out in plain Python.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from amazon_seg_assets.rules.scheme import load_scheme
from amazon_seg_assets.stages.report.findings import Concentration, Findings, Returns, YearAgo
from amazon_seg_assets.stages.report.insights import HEADLINES, Insight, supported
from amazon_seg_assets.stages.report.render import tell
from amazon_seg_assets_tests.made_up import of_a_hundred
from amazon_seg_assets_tests.plain_scores import Customer, as_earlier, better_last, naive_scores

L, YEAR_AGO, TWO_YEARS_AGO = date(2023, 3, 31), date(2022, 3, 31), date(2021, 3, 31)
CELLS = load_scheme("standard").cells

Purchase = tuple[str, date, float]
Draw = Callable[[random.Random], Iterable[Purchase]]


def year(draw: random.Random, users: Iterable[str], ending: date, most: int) -> list[Purchase]:
    """One to ``most`` purchases of each user on any days of the year that ends."""
    return [
        (user, ending - timedelta(days=draw.randrange(365)), draw.lognormvariate(3, 1))
        for user in users
        for _ in range(draw.randint(1, most))
    ]


def names(kind: str, number: int) -> list[str]:
    return [f"{kind}{n}" for n in range(number)]


def thriving(draw: random.Random) -> list[Purchase]:
    former = names("a", 200)
    then = former[:120] + names("b", 180)
    now = then[:250] + names("c", 350)
    return year(draw, former, TWO_YEARS_AGO, 2) + year(draw, then, YEAR_AGO, 3) + year(
        draw, now, L, 6
    )  # fmt: skip


def dying(draw: random.Random) -> list[Purchase]:
    former, then = names("a", 600), names("a", 50) + names("b", 300)
    now = then[:15] + names("c", 80)
    return year(draw, former, TWO_YEARS_AGO, 4) + year(draw, then, YEAR_AGO, 3) + year(
        draw, now, L, 1
    )  # fmt: skip


def seasonal(draw: random.Random) -> list[Purchase]:
    """Presents in December; half of the customers come again a year later."""
    found = []
    for number, ending in enumerate((TWO_YEARS_AGO, YEAR_AGO, L)):
        users = [f"u{n}" for n in range(150 * number, 150 * number + 300)]
        christmas = date(ending.year - 1, 12, 24)
        found += [
            (user, christmas - timedelta(days=draw.randrange(20)), draw.lognormvariate(3, 0.5))
            for user in users
        ]
    return found


def all_new(draw: random.Random) -> list[Purchase]:
    return [
        purchase
        for kind, ending in (("a", TWO_YEARS_AGO), ("b", YEAR_AGO), ("c", L))
        for purchase in year(draw, names(kind, 300), ending, 2)
    ]


def all_returning(draw: random.Random) -> list[Purchase]:
    users = names("u", 300)
    return [p for ending in (TWO_YEARS_AGO, YEAR_AGO, L) for p in year(draw, users, ending, 4)]


def one_whale(draw: random.Random) -> list[Purchase]:
    whale = [("whale", L - timedelta(days=10 * n), 2_000.0) for n in range(100)]
    return [*all_returning(draw), *whale]


def of_equals(draw: random.Random) -> list[Purchase]:
    """Everybody buys once a year, for the same price."""
    return [(user, day, 20.0) for user, day, _ in all_new(draw) if day.toordinal() % 2]


BUSINESSES: tuple[Draw, ...] = (
    thriving, dying, seasonal, all_new, all_returning, one_whale, of_equals,
)  # fmt: skip


def customers(purchases: list[Purchase], last: date) -> list[Customer]:
    """Features as of a day, of the year before it."""
    bought: dict[str, list[Purchase]] = defaultdict(list)
    for purchase in purchases:
        if 0 <= (last - purchase[1]).days < 365:
            bought[purchase[0]].append(purchase)
    return [
        (
            user,
            (last - max(day for _, day, _ in rows)).days + 1,
            len({*rows}),
            sum(usd for *_, usd in rows),
        )
        for user, rows in bought.items()
    ]


def segments(rows: list[Customer], held: list[dict[float, int]]) -> dict[str, str]:
    """The segment of each customer, by scores of the values that a snapshot holds."""
    return {
        row[0]: CELLS[tuple(map(as_earlier, held, better_last(row)))]  # type: ignore[index]
        for row in rows
    }


def found_in(draw_of: Draw) -> Findings:
    """Findings of a report, for a business."""
    purchases = [*draw_of(random.Random(7))]
    now, then = customers(purchases, L), customers(purchases, YEAR_AGO)
    held = naive_scores(then)
    was, by_then, own = segments(then, held), segments(now, held), segments(now, naive_scores(now))
    spent, spent_then = ({row[0]: row[3] for row in rows} for rows in (now, then))
    moves = Counter((was.get(user), by_then.get(user)) for user in {*was, *by_then})
    back = {user for user in was if user in own}
    spends = sorted(spent.values(), reverse=True)
    repeat = [row[3] for row in now if row[2] > 1]
    table = pd.DataFrame(now, columns=["user_id", "recency", "frequency", "monetary"])
    table["segment"] = table["user_id"].map(own)
    grouped = table.groupby("segment", as_index=False).agg(
        customers=("user_id", "size"),
        recency=("recency", "mean"),
        frequency=("frequency", "mean"),
        monetary=("monetary", "mean"),
        total_monetary=("monetary", "sum"),
    )
    return replace(
        of_a_hundred(),
        segments=grouped.assign(share=grouped["customers"] / len(now)),
        concentration=Concentration(
            sum(spends[: len(spends) // 10]) / sum(spends), len(repeat), sum(repeat)
        ),
        a_year_ago=YearAgo("2022-03", len(then), sum(spent_then.values()), len(back)),
        moves=pd.DataFrame(
            [(*pair, number) for pair, number in moves.items()],
            columns=["from_segment", "to_segment", "customers"],
        ),
        returns=Returns(
            "2022-03",
            365,
            {
                name: sum(was[user] == name for user in back) / size
                for name, size in Counter(was.values()).items()
            },
            len(back) / len(was),
        ),
        lifecycle=lifecycle(purchases, spent, spent_then),
    )


def lifecycle(
    purchases: list[Purchase], spent: dict[str, float], spent_then: dict[str, float]
) -> pd.DataFrame:
    first: dict[str, date] = {}
    for user, day, _ in purchases:
        first[user] = min(day, first.get(user, day))
    status = {
        user: "returning" if user in spent_then else "new" if first[user] > YEAR_AGO else "won_back"
        for user in spent
    }
    gone = {user: usd for user, usd in spent_then.items() if user not in spent}
    sizes = Counter(status.values())
    rows = [(name, sizes[name], 0.0) for name in ("new", "returning", "won_back")]
    rows.append(("lapsed", len(gone), sum(gone.values())))
    return pd.DataFrame(rows, columns=["status", "customers", "spend_before"])


@pytest.fixture(scope="module")
def headlines() -> dict[str, dict[str, Insight]]:
    """The headlines of each business, by name."""
    return {
        business.__name__: {one.name: one for one in supported(HEADLINES, found_in(business))}
        for business in BUSINESSES
    }


def key_figure(insight: Insight) -> float:
    """The figure that a headline is about, as a share or a ratio."""
    get: Any = insight.figures.__getitem__
    return {
        "a_year_ago": lambda: 1 + get("more_spend"),
        "by_behaviour": lambda: get("now") / max(get("then"), 1),
        "lifecycle": lambda: get("new") / get("all"),
        "concentration": lambda: get("top"),
        "repeat_customers": lambda: get("spend_share"),
        "money_at_stake": lambda: get("at_stake") / get("spend"),
    }[insight.name]()


@pytest.mark.parametrize("name", [each.__name__ for each in HEADLINES])
def test_each_headline_tells_businesses_apart(
    headlines: dict[str, dict[str, Insight]], name: str
) -> None:
    told = [of[name] for of in headlines.values() if name in of]
    figures = [key_figure(one) for one in told]
    assert max(figures) - min(figures) > 0.4
    assert len({tell(one) for one in told}) == len(told)
    # Shares that scores fix are no headlines.
    assert not any("is_relative" in one.figures for one in told)


def test_headlines_say_how_a_business_fares(headlines: dict[str, dict[str, Insight]]) -> None:
    def gist(business: str, name: str) -> str:
        return tell(headlines[business][name]).split(".** ")[0]

    assert "more customers than a year ago, and" in gist("thriving", "a_year_ago")
    assert gist("thriving", "a_year_ago").endswith("more spend")
    assert "fewer customers than a year ago, and" in gist("dying", "a_year_ago")
    assert gist("seasonal", "a_year_ago").startswith("**As many customers as a year ago")
    assert " more customers in Champions" in gist("thriving", "by_behaviour")
    assert " fewer customers in Champions" in gist("dying", "by_behaviour")
    assert gist("all_new", "lifecycle").startswith("**100.0 % of the customers are new")
    assert gist("all_returning", "lifecycle").startswith("**0.0 % of the customers are new")
    assert gist("one_whale", "concentration").endswith("more than half of the spend")
    assert gist("of_equals", "concentration").endswith("evenly over the customers")
    assert gist("all_returning", "repeat_customers").startswith("**Most customers")
    assert gist("dying", "repeat_customers").startswith("**No customer has more than one")
    shares = {name: key_figure(of["money_at_stake"]) for name, of in headlines.items()}
    assert shares["all_returning"] == 0
    assert shares["all_new"] == 1
    assert shares["dying"] > shares["seasonal"] > shares["thriving"] > shares["all_returning"]
