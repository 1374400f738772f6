"""The command of a JVM of Kafka: small, quick to start, its log in a file that stays small."""

from __future__ import annotations

from pathlib import Path

from app.embedded.java import Java

_LOG4J = Path(__file__).with_name("log4j2.xml")


def java_command(java: Java, log: str) -> list[str]:
    """The JVM with its options. Its folder has to have a folder `tmp`; `log` is a file there."""
    command = [str(java.program.absolute()), "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC"]
    command += ["-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:-UsePerfData"]
    command += ["-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"]
    command += ["-Xlog:disable", "-Xlog:all=error"]
    command += ["-Djava.io.tmpdir=tmp", f"-Dparley.log={log}"]
    command += [f"-Dlog4j2.configurationFile={_LOG4J}"]
    return command
