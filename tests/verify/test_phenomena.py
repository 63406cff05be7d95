"""What the verifier must tell apart, a row for each: the passage, what it supports, what it does not."""

from __future__ import annotations

import pytest
from passages import check

ROWS = [
    # numbers are bound to what they are said of
    ("Hotels are limited: Kassel EUR 135, Brno EUR 110.", "Brno EUR 110.", "Brno EUR 135."),
    ("Trains cost EUR 40 and taxis cost EUR 25.", "Taxis cost EUR 25.", "Taxis cost EUR 40."),
    (
        "The fee rose from 20 to 30 euros in 2019.",
        "The fee rose from 20 to 30 euros in 2019.",
        "The fee rose from 30 to 20 euros in 2019.",
    ),
    # a clause that leaves its verb to the one before
    (
        "Force gauges are calibrated every 12 months, the climate chamber every 6 months.",
        "The climate chamber is calibrated every 6 months.",
        "The climate chamber is calibrated every 12 months.",
    ),
    # what is denied as a whole
    (
        "It is not true that the refund limit is EUR 9,999. It is EUR 120.",
        "It is not true that the refund limit is EUR 9,999.",
        "The refund limit is EUR 9,999.",
    ),
    (
        "Es ist falsch, dass die Grenze 50 Euro ist.",
        "Es ist falsch, dass die Grenze 50 Euro ist.",
        "Die Grenze ist 50 Euro.",
    ),
    # a question vouches for nothing; its answer does, and what it is about may be in the question
    ("Rent is due. What is the capital of Brazil?", "Rent is due.", "The capital of Brazil is what we ask."),
    (
        "What is the limit in Kassel? EUR 135.",
        "The limit in Kassel is EUR 135.",
        "The limit in Kassel is EUR 153.",
    ),
    # number words, grouping, units
    ("The test lasts 90 minutes.", "The test lasts 1.5 hours.", "The test lasts 1.5 days."),
    ("You have six weeks to appeal.", "You have 6 weeks to appeal.", "You have 6 days to appeal."),
    ("The plant made 1,500 castors.", "The plant made 1500 castors.", "The plant made 15000 castors."),
    ("Das Werk baute 1.500 Rollen.", "Das Werk baute 1500 Rollen.", "Das Werk baute 1501 Rollen."),
    ("The allowance is 75 percent.", "The allowance is 75 %.", "The allowance is 57 %."),
    ("The price is EUR 80.", "The price is 80 euros.", "The price is USD 80."),
    # dates and times
    (
        "The rule applies from 1 June 2026.",
        "The rule applies from 2026-06-01.",
        "The rule applies from 1 July 2026.",
    ),
    ("Die Regel gilt ab 1. Juni 2026.", "Die Regel gilt ab 01.06.2026.", "Die Regel gilt ab 1. Juli 2026."),
    ("The office opens at 2 pm.", "The office opens at 14:00.", "The office opens at 4 pm."),
    (
        "Sessions are held every Wednesday.",
        "Sessions are held every Wednesday.",
        "Sessions are held every Friday.",
    ),
    # names
    (
        "Anna Weber leads the plant in Kassel.",
        "Anna Weber leads the plant in Kassel.",
        "Ben Maier leads the plant in Kassel.",
    ),
    (
        "The press at Kassel beat the press at Venlo.",
        "The press at Kassel beat the press at Venlo.",
        "The press at Venlo beat the press at Kassel.",
    ),
    (
        "Order castor TR-125-PU-S for the cart.",
        "Order castor TR-125-PU-S for the cart.",
        "Order castor TR-160-PU-S for the cart.",
    ),
    # negation
    (
        "The notification is not optional.",
        "The notification isn't optional.",
        "The notification is optional.",
    ),
    ("Passwords may never be shared.", "Passwords may never be shared.", "Passwords may be shared."),
    ("Die Regelung gilt nicht für Brno.", "Die Regelung gilt nicht für Brno.", "Die Regelung gilt für Brno."),
    (
        "Es gibt keine Erstattung für Taxis.",
        "Es gibt keine Erstattung für Taxis.",
        "Es gibt eine Erstattung für Taxis.",
    ),
    (
        "Not only managers but also clerks get the bonus.",
        "Clerks get the bonus.",
        "Clerks do not get the bonus.",
    ),
    (
        "All sites except Venlo get the bonus.",
        "All sites except Venlo get the bonus.",
        "Venlo gets the bonus.",
    ),
    # modality and plans
    ("Visitors may wear badges.", "Visitors may wear badges.", "Visitors must wear badges."),
    (
        "Gloves are required in hall four.",
        "Gloves are required in hall four.",
        "Gloves are optional in hall four.",
    ),
    ("Sales might fall next year.", "Sales might fall next year.", "Sales fall next year."),
    (
        "The new hall is planned for Venlo.",
        "The new hall is planned for Venlo.",
        "The new hall stands in Venlo.",
    ),
    # attribution
    (
        "Irena Novak said that the test was passed.",
        "Irena Novak said that the test was passed.",
        "The test was passed.",
    ),
    # comparison and direction
    (
        "Claims must be filed at least 10 days before departure.",
        "Claims must be filed at least 10 days before departure.",
        "Claims must be filed at most 10 days before departure.",
    ),
    (
        "Costs rose in the second quarter.",
        "Costs rose in the second quarter.",
        "Costs fell in the second quarter.",
    ),
    (
        "Submit the form before the trip.",
        "Submit the form before the trip.",
        "Submit the form after the trip.",
    ),
    ("Der Umsatz ist gestiegen.", "Der Umsatz ist gestiegen.", "Der Umsatz ist gesunken."),
]


@pytest.mark.parametrize(("text", "claim"), [(text, claim) for text, claim, _ in ROWS])
def test_what_the_passage_says_is_supported(text: str, claim: str) -> None:
    assert check(claim, text).support == "supported"


@pytest.mark.parametrize(("text", "claim"), [(text, claim) for text, _, claim in ROWS])
def test_what_the_passage_does_not_say_is_not_supported(text: str, claim: str) -> None:
    assert check(claim, text).support in ("partly", "contradicted", "not_found")
