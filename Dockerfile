# One image for the code server, the web server and the daemon of compose.yaml. Java comes with the
# Python packages.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    DAGSTER_HOME=/srv/dagster \
    AMAZON_SEG_STORAGE=/srv/data \
    AMAZON_SEG_CACHE=/srv/cache \
    HF_HOME=/srv/cache/huggingface

RUN useradd --create-home --uid 1000 amazon \
    && install --directory --owner=amazon /srv/dagster /srv/dagster/storage /srv/data /srv/cache

WORKDIR /srv/package
COPY pyproject.toml setup.py constraints.txt README.md LICENSE ./
COPY amazon_seg_assets amazon_seg_assets
RUN pip install --no-cache-dir -c constraints.txt '.[postgres,s3]'

COPY deploy/dagster.compose.yaml /srv/dagster/dagster.yaml
COPY deploy/workspace.compose.yaml /srv/dagster/workspace.yaml

# Not in the folder of the sources, so that what was installed is used.
WORKDIR /srv/dagster
USER 1000
CMD ["amazon-seg", "run"]
