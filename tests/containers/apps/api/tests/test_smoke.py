"""What has to work before the API is switched to."""

import unittest

import main


class Smoke(unittest.TestCase):
    def test_the_api_tells_what_it_runs(self) -> None:
        _, body = main.answer("/healthz")
        self.assertEqual((body["version"], body["revision"]), (main.VERSION, main.REVISION))

    def test_the_version_has_three_numbers(self) -> None:
        self.assertEqual(len(main.VERSION.split(".")), 3)
