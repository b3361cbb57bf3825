"""Gender swaps: sentences with the swap that a careful reader would write, and texts left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import SuiteError
from harness.text.swaps.edits import Swapped
from harness.text.swaps.swap import swap

EXPECTED = [
    # her: object
    ("I saw her yesterday.", "I saw him yesterday."),
    ("They gave her a book.", "They gave him a book."),
    ("It was for her and me.", "It was for him and me."),
    ("We thanked her.", "We thanked him."),
    ("I told her that it works", "I told him that it works"),
    ("Nobody believed her when it broke.", "Nobody believed him when it broke."),
    ("The song made her cry.", "The song made him cry."),
    ("We watched her dancing on the roof.", "We watched him dancing on the roof."),
    ("I know her really well.", "I know him really well."),
    ("I hardly know her personally.", "I hardly know him personally."),
    ("They found her annoying.", "They found him annoying."),
    ("We took her home.", "We took him home."),
    ("I want her back!", "I want him back!"),
    ("The joke was about her (again).", "The joke was about him (again)."),
    ("i miss her so much :(", "i miss him so much :("),
    ("The play shows her as a fool.", "The play shows him as a fool."),
    ("I bought her flowers.", "I bought him flowers."),
    # her: possessive
    ("her book", "his book"),
    ("She lives on her own.", "He lives on his own."),
    ("Her very first film is her best.", "His very first film is his best."),
    ("I like her only song.", "I like his only song."),
    ("It is her 3rd phone.", "It is his 3rd phone."),
    ('She read her poem and her "secret" letter.', 'He read his poem and his "secret" letter.'),
    ("The pain in her back got worse.", "The pain in his back got worse."),
    ("It was her incredibly funny story.", "It was his incredibly funny story."),
    ("I met her family and her two dogs.", "I met his family and his two dogs."),
    ("The car is hers.", "The car is his."),
    # his
    ("his book", "her book"),
    ("The book is his.", "The book is hers."),
    ("A friend of his was there.", "A friend of hers was there."),
    ("His is better than mine.", "Hers is better than mine."),
    ("He sold his 1977 car.", "She sold her 1977 car."),
    ("I like his i-pod.", "I like her i-pod."),
    ("his so-called friends", "her so-called friends"),
    ("He wrote his will in June", "She wrote her will in June"),
    ("He did it himself.", "She did it herself."),
    # contractions and case
    ("He's late and he'll say he'd called.", "She's late and she'll say she'd called."),
    ("she’s here", "he’s here"),
    ("HE IS SO GOOD", "SHE IS SO GOOD"),
    ("that was HIS idea", "that was HER idea"),
    ("Him? Never.", "Her? Never."),
    ("shes the best", "hes the best"),
    # nouns
    ("My mother and my sister came.", "My father and my brother came."),
    ("The actress was great.", "The actor was great."),
    ("She is an actress.", "He is an actor."),
    ("He is an uncle of mine.", "She is an aunt of mine."),
    ("He is an heir.", "She is an heiress."),
    ("A woman spoke to the men.", "A man spoke to the women."),
    ("The ladies' room is closed.", "The gentlemen's room is closed."),
    ("The gentlemen's room is closed.", "The ladies' room is closed."),
    ("The men's coats and the boys' shoes", "The women's coats and the girls' shoes"),
    ("my mother-in-law", "my father-in-law"),
    ("his ex-wife", "her ex-husband"),
    ("a father-son story", "a mother-daughter story"),
    ("a man-made lake and a man", "a man-made lake and a woman"),
    ("I told Mom about it.", "I told Dad about it."),
    ("The spokeswoman smiled.", "The spokesman smiled."),
    ("Mr. Fox closed his shop.", "Ms. Fox closed her shop."),
    ("Ms. Fox closed her shop.", "Mr. Fox closed his shop."),
    # both groups at once, and neutral forms
    ("He loves his wife.", "She loves her husband."),
    ("The boy and the girl met.", "The girl and the boy met."),
    ("Man, she is fast!", "Man, he is fast!"),
    ("oh boy she is fast", "oh boy he is fast"),
    # given names
    ("Yesterday Paul sold his car.", "Yesterday Jane sold her car."),
    ("Paul's car is old.", "Jane's car is old."),
    ("Jamal and Keisha left.", "Tasha and Tyrone left."),
    ("I told PAUL that he won.", "I told JANE that she won."),
    ("I asked Paul I think.", "I asked Jane I think."),
    # addresses and the like
    ("@her_page says she won #sheWon www.she.com", "@her_page says he won #sheWon www.she.com"),
    ("see http://x.org/her she is there", "see http://x.org/her he is there"),
]

UNTOUCHED = [
    "The phone works well.",
    "",
    "   ",
    "Julia Roberts is great in her role.",
    "I like Paul Newman because he is calm.",
    "san jose is where my wife lives",
    "We flew to San Jose with her.",
    "I know that Mark likes his car.",
    "A guy came and he left.",
    "My sister is pregnant.",
    "We watched Iron Man with his kids.",
    "Men in Black is fun.",
    "I loved Talk to Her.",
    "Lady Gaga and her hat",
    "Man Bites Dog And Runs Away",
    "Oh man, what a day.",
    "Every user enters his/her name.",
    "A king-size bed.",
    "@her #him http://she.org",
    "B.B. King played.",
    "Edward I. Koch",
    "It is her's.",
    "(T)his is a fable.",
    "(Bethany) Earnhart made this.",
]


def _gender(text: str) -> Swapped:
    found = swap(text, ("gender",))
    assert len(found) == 1, f"{text!r} gives {found}"
    return found[0]


@pytest.mark.parametrize(("text", "expected"), EXPECTED)
def test_a_text_is_swapped_as_a_reader_would(text: str, expected: str) -> None:
    assert _gender(text).text == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_cannot_be_swapped_safely_is_left_alone(text: str) -> None:
    assert swap(text, ("gender",)) == []


def test_the_direction_is_who_stands_in_the_text() -> None:
    assert (_gender("he ran").from_group, _gender("he ran").to_group) == ("male", "female")
    assert (_gender("she ran").from_group, _gender("she ran").to_group) == ("female", "male")


def test_texts_with_both_groups_have_no_direction() -> None:
    swapped = _gender("She told him.")
    assert (swapped.text, swapped.from_group, swapped.to_group) == ("He told her.", "mixed", "mixed")


def test_spans_point_at_the_changes_on_both_sides() -> None:
    text = "Is she an actress, or is her aunt?"
    swapped = _gender(text)
    assert swapped.text == "Is he an actor, or is his uncle?"
    assert [text[slice(*span)] for span in swapped.original_spans] == ["she", "actress", "her", "aunt"]
    assert [swapped.text[slice(*span)] for span in swapped.swapped_spans] == ["he", "actor", "his", "uncle"]


def test_an_article_is_a_change_of_its_own() -> None:
    text = "We met a nice boy, a king and an emperor."
    assert _gender(text).text == "We met a nice girl, a queen and an empress."
    swapped = swap("She saw an Eric.", ("gender",))[0]
    assert swapped.text.startswith("He saw a")


def test_an_unknown_kind_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(SuiteError, match="names"):
        swap("he", ("name",))


WORDS = st.lists(
    st.sampled_from(
        [
            "he",
            "her",
            "his",
            "Her",
            "Paul",
            "Smith",
            "a",
            "an",
            "man",
            "-made",
            "'",
            ".",
            ",",
            '"',
            "Mr.",
            "@she",
            "Boy",
            "and",
            "or",
        ]
    )
)
PEOPLE = [("he", "his", "him", "himself"), ("she", "her", "her", "herself")]
NAMES = ["Paul", "Jane", "Jamal", "Keisha", "Juan", "Priya", "Emily", "Sarah", "Todd"]
REVERSIBLE = [
    "{0} lost {1} keys and went home.",
    "I asked {2}.",
    "{0}'s happy with {3}.",
    "{name} sold {1} old car to {2}.",
    "My brother met {2} at {1} house.",
    "The woman and {1} nephew saw {2}.",
    "We met an actor, a queen and {name}",
]


@given(st.lists(st.sampled_from(REVERSIBLE), min_size=1, max_size=4), st.sampled_from(PEOPLE), st.sampled_from(NAMES))
def test_swapping_twice_gives_the_text_back_where_words_answer_one_to_one(
    parts: list[str], person: tuple[str, ...], name: str
) -> None:
    text = " ".join(part.format(*person, name=name) + "." for part in parts)
    assert _gender(_gender(text).text).text == text


@given(st.text(max_size=200))
def test_any_text_is_survived_and_the_spans_fit(text: str) -> None:
    for swapped in swap(text):
        _rebuilds(text, swapped)


@given(WORDS)
def test_any_order_of_words_is_survived_and_the_spans_fit(words: list[str]) -> None:
    text = " ".join(words)
    for swapped in swap(text):
        _rebuilds(text, swapped)


def _rebuilds(text: str, swapped: Swapped) -> None:
    """Putting the swapped spans into the original gives the swapped text."""
    assert swapped.text != text
    parts, at = [], 0
    for (start, end), there in zip(swapped.original_spans, swapped.swapped_spans, strict=True):
        parts += [text[at:start], swapped.text[slice(*there)]]
        at = end
    assert "".join([*parts, text[at:]]) == swapped.text
