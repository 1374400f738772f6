"""Agents as the test kit plays them: what they say, their tables, their timers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec
import pytest

from app.agentkit.agent_events import Tick, TimerFired
from app.agentkit.declaration import Agent
from app.agentkit.do import Do
from app.agentkit.effects import encoded
from app.agentkit.play import BEGIN, Differs, play
from app.agentkit.table import TableType
from app.domain.agents.causes import MOST_HOPS, client_id
from app.errors import AgentError
from app.events import (
    AddReaction,
    Connection,
    EditMessage,
    MemberAdded,
    MessageCreated,
    SendMessage,
    Shadow,
)


def counting() -> Agent[int]:
    agent = Agent("counting", table=int)

    @agent.on("message.created")
    def note(event: MessageCreated, do: Do[int]) -> None:
        do.table[event.by] += 1
        do.say(f"{event.by}: {do.table[event.by]}")

    return agent


def message(text: str, **fields: object) -> MessageCreated:
    usual = {"room": "room", "n": 0, "seq": 0, "by": "ann", "at_ms": 0, "id": "i"}
    return MessageCreated(**{**usual, "client_id": "c", "text": text, **fields})


# ── tables ───────────────────────────────────────────────────────────────────────────────────────


def test_a_table_counts_each_event_once_however_often_it_comes() -> None:
    played = play(counting(), "ann: a", "ben: b", "ann: c")
    assert played.said == ["ann: 1", "ben: 1", "ann: 2"]
    assert played.table == {"ann": 2, "ben": 1}


def test_each_room_has_values_of_its_own() -> None:
    played = play(counting(), "one| ann: a", "two| ann: b", "one| ann: c")
    assert played.tables == {"one": {"ann": 2}, "two": {"ann": 1}}


def test_a_value_that_changes_in_place_is_kept() -> None:
    class Score(msgspec.Struct):
        points: int = 0
        names: list[str] = []

    agent = Agent("scores", table=Score)

    @agent.on("message.created")
    def note(event: MessageCreated, do: Do[Score]) -> None:
        score = do.table["all"]
        score.points += 1
        score.names.append(event.by)

    assert play(agent, "ann: a", "ben: b").table == {"all": Score(2, ["ann", "ben"])}


def test_a_table_is_a_mapping() -> None:
    agent = Agent("mapping", table=int)
    seen: list[object] = []

    @agent.on("message.created")
    def note(event: MessageCreated, do: Do[int]) -> None:
        do.table.update(a=1, b=2)
        del do.table["a"]
        do.table["c"] = 3
        seen[:] = [dict(do.table), len(do.table), "a" in do.table, do.table.get("a", 7)]

    assert play(agent, "ann: x").table == {"b": 2, "c": 3}
    assert seen == [{"b": 2, "c": 3}, 2, False, 7]


def test_a_value_of_another_type_is_refused_where_it_is_written() -> None:
    agent = Agent("typed", table=int)

    @agent.on("message.created")
    def note(event: MessageCreated, do: Do[int]) -> None:
        do.table["a"] = "text"  # type: ignore[assignment]

    [failure] = play(agent, "ann: x").failures
    assert "'text' is no int" in failure
    assert 'do.table["a"] = "text"' in failure


def test_a_value_that_the_type_can_not_read_says_what_to_do() -> None:
    table = TableType(int)
    with pytest.raises(AgentError, match=r"'ann' is 'text', which is no int .*agents replay"):
        table.decode("ann", encoded("text"))


# ── messages ─────────────────────────────────────────────────────────────────────────────────────


def test_what_is_said_under_a_key_is_amended_under_that_key() -> None:
    agent = Agent("score", table=int)

    @agent.on("message.created")
    def note(event: MessageCreated, do: Do[int]) -> None:
        do.table["n"] += 1
        do.say(f"{do.table['n']} so far", key="score")

    played = play(agent, "ann: a", "ann: b", "ann: c")
    assert played.said == ["1 so far"]
    edits = [one for one in played.commands if isinstance(one, EditMessage)]
    assert [one.text for one in edits] == ["2 so far", "3 so far"]
    assert {one.seq for one in edits} == {101}


def test_an_answer_joins_the_thread_of_its_message() -> None:
    agent = Agent("threads")

    @agent.on("message.created")
    def answer(event: MessageCreated, do: Do) -> None:
        do.say("here", thread=event)

    found = play(agent, message("root", seq=7), message("reply", seq=8, thread=7)).commands
    assert [one.thread for one in found if isinstance(one, SendMessage)] == [7, 7]


def test_a_message_that_only_its_author_sees_reaches_no_agent() -> None:
    assert play(counting(), message("", shadow=Shadow("buy"))).said == []


def test_its_own_messages_and_other_agents_reach_no_handler_that_does_not_ask() -> None:
    own = message("x", client_id=client_id("counting", 1, "cause"))
    other = message("x", client_id=client_id("other", 1, "cause"))
    assert play(counting(), own, other).said == []


def test_agents_that_answer_each_other_end_and_say_why() -> None:
    agent = Agent("ping")

    @agent.on("message.created", by="all")
    def answer(event: MessageCreated, do: Do) -> None:
        do.say("again")

    chain = [message("x", client_id=client_id("pong", hops, "x")) for hops in range(MOST_HOPS + 1)]
    played = play(agent, *chain)
    assert len(played.said) == MOST_HOPS
    assert "chain longer than 5: ping does not answer here" in played.failures[0]


# ── commands ─────────────────────────────────────────────────────────────────────────────────────


def test_the_words_of_a_command_are_its_handlers_parameters() -> None:
    agent = Agent("dice")

    @agent.command("roll")
    def roll(
        event: MessageCreated, do: Do, sides: int, times: int = 1, *, why: str = "fun"
    ) -> None:
        """Rolls dice."""
        do.say(f"{sides} {times} {why}")

    played = play(
        agent, "ann: /roll 6", "ann: /roll 6 2 to be first", "ann: /roll x", "ann: /rolls"
    )
    assert played.said == [
        "6 1 fun",
        "6 2 to be first",
        "sides is a whole number, not 'x': /roll sides [times] [why…]",
    ]


def test_help_lists_the_commands_of_every_agent_or_of_one() -> None:
    agent = Agent("dice")

    @agent.command("roll")
    def roll(event: MessageCreated, do: Do) -> None:
        """Rolls dice."""

    told = "dice:\n/roll - Rolls dice."
    assert play(agent, "ann: /help").said == [told]
    assert play(agent, "ann: /help dice").said == [told]
    assert play(agent, "ann: /help karma").said == []


# ── timers ───────────────────────────────────────────────────────────────────────────────────────


def reminding() -> Agent[None]:
    agent: Agent[None] = Agent("reminding")

    @agent.on("message.created", text=r"^in (?P<minutes>\d+)")
    def remind(event: MessageCreated, do: Do, minutes: str) -> None:
        do.after(int(minutes) * 60, ring, id=event.by, who=event.by)

    @agent.on("message.created", text="^stop")
    def stop(event: MessageCreated, do: Do) -> None:
        do.say("stopped" if do.cancel(event.by) else "nothing to stop")

    @agent.timer
    def ring(timer: TimerFired, do: Do, who: str) -> None:
        do.say(f"{who} at {do.now:%H:%M}")

    return agent


def test_a_timer_comes_at_its_time_and_once() -> None:
    played = play(reminding(), "ann: in 10", timedelta(minutes=11), timedelta(hours=5))
    assert played.said == ["ann at 08:10"]
    assert played.timers == {}


def test_a_timer_comes_before_the_events_that_are_later_than_it() -> None:
    late = message("in 1", by="ben", at_ms=round((BEGIN.timestamp() + 3600) * 1000))
    played = play(reminding(), "ann: in 10", late, timedelta(minutes=2))
    assert played.said == ["ann at 08:10", "ben at 09:01"]


def test_a_timer_is_replaced_by_its_id_and_can_be_cancelled() -> None:
    lines = ["ann: in 10", "ann: in 20", timedelta(minutes=15), "ann: stop", "ann: stop"]
    played = play(reminding(), *lines, timedelta(hours=1))
    assert played.said == ["stopped", "nothing to stop"]


def test_timers_that_are_not_due_are_seen() -> None:
    played = play(reminding(), "ann: in 10")
    assert played.timers["room"]["ann"] == datetime(2024, 1, 1, 8, 10, 1, tzinfo=UTC)


def test_a_schedule_goes_on_in_a_quiet_room_and_tells_what_it_missed() -> None:
    agent = Agent("hourly")

    @agent.every("hour")
    def tell(tick: Tick, do: Do) -> None:
        do.say(f"{do.now:%H:%M}, {tick.missed} missed")

    quiet = play(agent, "ann: x", timedelta(hours=3)).said
    assert quiet == ["09:00, 0 missed", "10:00, 0 missed", "11:00, 0 missed"]
    late = message("x", at_ms=round((BEGIN.timestamp() + 3 * 3600 + 60) * 1000))
    assert play(agent, "ann: x", late).said == ["09:00, 2 missed"]


def test_a_timer_whose_handler_fails_is_tried_again_and_then_given_up() -> None:
    agent = Agent("failing")

    @agent.on("message.created")
    def begin(event: MessageCreated, do: Do) -> None:
        do.after(1, fail)

    @agent.timer
    def fail(timer: TimerFired, do: Do) -> None:
        raise OSError("away")

    played = play(agent, "ann: x", timedelta(days=1), crashes=False, doubled=False)
    assert len(played.failures) == 8
    assert played.timers == {}


# ── limits ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"may": ["react"]}, "limited may not say: name it in `may` of the agent"),
        ({"rate": "1/hour"}, "limited acts more often than 1/hour in room"),
    ],
)
def test_an_agent_does_no_more_than_it_may(options: dict[str, object], reason: str) -> None:
    agent = Agent("limited", **options)  # type: ignore[call-overload]

    @agent.on("message.created")
    def answer(event: MessageCreated, do: Do) -> None:
        do.say("one")
        do.say("two")

    played = play(agent, "ann: x")
    assert played.said == []
    assert reason in played.failures[0]


def test_an_agent_sees_and_acts_in_its_rooms_alone() -> None:
    agent = Agent("inside", rooms="team-*")

    @agent.on("message.created")
    def answer(event: MessageCreated, do: Do) -> None:
        do.say("here")
        do.say("there", room=event.text)

    played = play(agent, "lobby| ann: team-1", "team-1| ann: team-2", "team-1| ann: lobby")
    assert played.said == ["here", "there"]
    assert "acts in team-*, not in lobby" in played.failures[0]


def test_a_command_that_no_edge_would_take_is_refused_where_it_is_given() -> None:
    agent = Agent("wrong")

    @agent.on("message.created")
    def answer(event: MessageCreated, do: Do) -> None:
        do.react(event, "no emoji at all")

    [failure] = play(agent, "ann: x").failures
    assert "AddReaction: a reaction has no spaces" in failure
    assert "test_play.py" in failure


# ── calls outside ────────────────────────────────────────────────────────────────────────────────


async def ask(question: str) -> str:
    raise AssertionError("not in a test")


def asking() -> Agent[None]:
    agent: Agent[None] = Agent("asking")

    @agent.on("message.created")
    async def answer(event: MessageCreated, do: Do) -> None:
        do.say(await do.call(ask, event.text))

    return agent


def test_a_call_outside_is_answered_by_the_test() -> None:
    assert play(asking(), "ann: 1+1?", answers={"ask": "2"}).said == ["2"]
    assert play(asking(), "ann: a", answers={"ask": str.upper}).said == ["A"]
    [failure] = play(asking(), "ann: a", answers={"ask": ValueError("no")}).failures
    assert "ValueError: no" in failure


# ── what a play finds ────────────────────────────────────────────────────────────────────────────


def test_an_agent_that_keeps_its_count_beside_its_table_is_found() -> None:
    agent = Agent("forgetful")
    numbers = count(1)

    @agent.on("message.created")
    def answer(event: MessageCreated, do: Do) -> None:
        do.say(f"message {next(numbers)}")

    with pytest.raises(Differs, match="each event came twice"):
        play(agent, "ann: a", "ann: b")


def test_an_agent_that_keeps_its_state_in_the_process_is_found() -> None:
    agent = Agent("remembering")
    known: list[str] = []

    @agent.on("message.created")
    def answer(event: MessageCreated, do: Do) -> None:
        if event.text == "new":
            known.clear()
        known.append(event.text)
        do.say(f"{len(known)}")

    with pytest.raises(Differs, match="a crash at line"):
        play(agent, "ann: new", "ann: b", "ann: c", doubled=False)


def test_events_of_other_kinds_are_played_as_they_are() -> None:
    agent = Agent("greeting", rooms="lobby")

    @agent.on("member.added")
    def greet(event: MemberAdded, do: Do) -> None:
        do.say(f"welcome {event.user}")

    @agent.on("connection.opened")
    def seen(event: Connection, do: Do) -> None:
        do.say(f"there is {event.user}", room="lobby", key=event.user)

    added = MemberAdded(
        room="lobby", n=0, by="ann", at_ms=0, id="i", client_id="c", user="eva", role="member"
    )
    opened = Connection(
        user="eva", what="opened", edge="e", connection="1", transport="sse", at_ms=0
    )
    assert play(agent, added, opened, opened).said == ["welcome eva", "there is eva"]


def test_reactions_are_commands_as_well() -> None:
    agent = Agent("liking")

    @agent.on("message.created", text="good")
    def like(event: MessageCreated, do: Do) -> None:
        do.react(event, "👍")

    [found] = [one for one in play(agent, "ann: good").commands if isinstance(one, AddReaction)]
    assert (found.seq, found.emoji) == (1, "👍")
