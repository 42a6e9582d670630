"""Customer segmentation from Amazon product reviews: a Dagster asset graph over PySpark.

Layers, each of which may import the ones below it, none beside it and none above:

    cli                                the command line
    commands                           its commands
    definitions                        what Dagster loads: all stages, bound once for each category
    run                                runs without the UI, and what the terminal shows of them
    planning                           jobs, sensors, what to make again
    api                                stored tables and models for notebooks and other programs
    scoring                            customers from elsewhere, by what a snapshot keeps
    stages                             one folder a subject, in the order of the data
    dag                                how assets, checks and plots are declared and bound
    origin, plots, quality             the source opened; the kit for pictures; verdicts
    sample                             the invented data of the demo and of benchmarks
    rules, sources                     rules as data; where raw files come from
    settings                           of a deployment
    spark, storage                     the session and its Java; tables and artifacts as they lie
    schema                             tables, columns and totals as they are declared
    categories, features               names in the data
    formats, months, texts             numbers, months and texts as people read them
    processes                          names by which it is known whether a process is at work
    errors                             for people

Only ``assets`` and ``checks`` of a stage, ``dag`` and what is above the stages, but for
``scoring`` and ``api``, know Dagster.
"""

__version__ = "0.1.0"
