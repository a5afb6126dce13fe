"""Writes the demo's points to the InfluxDB at INFLUX_URL, as of now: two hosts are too busy, one
disk is nearly full."""

import os
import urllib.request

POINTS = (
    "cpu,host=web-1 usage=41.5",
    "cpu,host=web-2 usage=97.5",
    "cpu,host=db-1 usage=93",
    "disk,host=web-1,path=/ free=62",
    "disk,host=db-1,path=/var/lib free=4.5",
)


def seed(url):
    body = "\n".join(POINTS).encode()
    urllib.request.urlopen(f"{url}/write?db=mon", body, timeout=30).close()


if __name__ == "__main__":
    seed(os.environ["INFLUX_URL"])
