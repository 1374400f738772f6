"""The client: which failures may pass."""

from __future__ import annotations

from app.embedded.ports import free_port
from tests.support.page_modules import evaluate


def test_an_outage_may_pass_and_a_fault_or_a_refusal_may_not() -> None:
    answer = """[
        page.mayPass(new page.Refused(503, {})), page.mayPass(new page.Refused(429, {})),
        page.mayPass(new page.Refused(403, {})), page.mayPass(new TypeError("x is undefined")),
        await new page.Parley("token", cases).sync().catch(page.mayPass),
    ]"""
    nobody = f"http://127.0.0.1:{free_port()}"
    assert evaluate("parley.js", answer, nobody) == [True, True, False, False, True]


def test_an_answer_that_is_no_json_may_pass_as_an_outage_does() -> None:
    answer = """await new page.Parley("token", cases).request("GET", "/").catch(
        (error) => [error.name, page.mayPass(error)])"""
    server = """(await (async () => {
        const { createServer } = await import("node:http");
        const server = createServer((_, answer) => answer.end("<html>"));
        await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
        const { port } = server.address();
        const cases = `http://127.0.0.1:${port}`;
        const found = %s;
        server.closeAllConnections();
        server.close();
        return found;
    })())"""
    assert evaluate("parley.js", server % answer) == ["NoAnswer", True]


def test_a_stream_in_node_reports_the_outage_and_ends_when_it_is_closed() -> None:
    answer = """await new Promise((resolve) => {
        const states = [];
        const state = (name) => {
            states.push(name);
            if (name !== "waiting") return;
            stream.close();
            resolve(states);
        };
        const stream = new page.Parley("token", cases).stream({ state });
    })"""
    nobody = f"http://127.0.0.1:{free_port()}"
    assert evaluate("parley.js", answer, nobody) == ["connecting", "waiting"]
