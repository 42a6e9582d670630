"""Customer segmentation from Amazon product reviews: a Dagster asset graph over PySpark.

Layers, each of which may import the ones below it and none above:

    cli, definitions          entry points: the command line, and what Dagster loads
    assets, jobs, resources   Dagster: declare, select, call one pure function, return
    sources                   where raw files come from, and their readers
    storage                   tables and artifacts, on disk or by URL
    ingestion                 raw files into raw tables, without Spark
    report                    a snapshot's report: sentences, document, HTML and Markdown
    transforms, plots         pure functions on Spark and on small pandas frames
    quality                   verdicts of the checks
    tables, rules             declarations: what is stored, and how customers are segmented
    engine                    the Spark session and the Java it runs on
    settings, errors          settings of a deployment, errors meant for people
    locations                 folders and URLs, and the form that Python and Spark each need
    formats                   numbers and names as people read them

``transforms``, ``plots``, ``report``, ``tables`` and ``rules`` import no Dagster; ``plots`` and
``report`` import no Spark.
"""

__version__ = "0.1.0"
