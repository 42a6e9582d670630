"""The built-in sample: invented reviews and products of a realistic shape, in the hub's raw form.

``catalog`` invents products, ``customers`` who reviews what and when, ``words`` what they say;
``writer`` turns it into files. The shape follows the published figures of Electronics. The same
parameters give the same bytes, and memory is bounded at any size.

Customers' comings, returns and departures are invented, and so are their favourite categories:
outcomes and movement found in the sample say nothing about real customers.
"""

from amazon_seg_assets.sample.source import SampleSource
from amazon_seg_assets.sample.writer import write_sample

__all__ = ["SampleSource", "write_sample"]
