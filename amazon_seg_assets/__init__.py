"""Customer segmentation from Amazon product reviews: a Dagster asset graph over PySpark.

Layers, each of which may import the ones below it, none beside it and none above:

    cli                                       the command line
    definitions, headless, progress, summary  what Dagster loads, what the command does and shows
    automation, instance                      when to run what, and where it is recorded
    assets                                    declare, select, call one pure function, return
    jobs, resources, snapshots, staleness     selections, replaceable parts, what to make again
    partitions                                months
    report                                    a snapshot's report: sentences, HTML, Markdown
    ingestion, quality, plots                 raw tables without Spark, verdicts, pictures
    sources, storage, transforms              raw files, stored tables, functions on Spark
    rules, engine                             rules as data; Spark and the Java it runs on
    tables                                    declarations of what is stored
    settings                                  of a deployment
    locations                                 folders and URLs, as Python and as Spark need them
    errors, formats, months                   errors, numbers and names as people read them; months

All below ``partitions`` is without Dagster.
"""

__version__ = "0.1.0"
