"""The report of a sweep in a headless Chromium: filter, sort, hover, copy, dark mode, a phone's width, the keyboard.

`tests/browser/run` installs what is needed, writes the pages and starts this; its argument is the folder of the pages.
Each test gets a page of its own, and fails if the page writes an error to the console or asks for anything but itself.
"""

import json
import pathlib
import sys
import unittest

from playwright.sync_api import sync_playwright

PAGES = pathlib.Path(sys.argv.pop()).resolve()
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}

# What a chart's series holds, what a point's place on the page is.
CHART = "(id) => echarts.getInstanceByDom(document.getElementById(id))"
LENGTH = f"([id, series]) => ({CHART})(id).getOption().series[series].data.length"
PLACE = f"""([id, series, index]) => {{
  const chart = ({CHART})(id);
  const {{ value }} = chart.getOption().series[series].data[index];
  const [x, y] = chart.convertToPixel({{ seriesIndex: series }}, value);
  const box = document.getElementById(id).getBoundingClientRect();
  return [box.left + x, box.top + y];
}}"""
OUTLINE = "() => getComputedStyle(document.activeElement).outlineStyle"


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.playwright = sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.playwright.stop()

    def open(self, name, viewport=DESKTOP, script=None, **options):
        """Opens a page and waits until its charts are drawn. What a test waits for needs `eval`, which the page forbids."""
        context = self.browser.new_context(viewport=viewport, **{"bypass_csp": True, **options})
        self.addCleanup(context.close)
        context.set_default_timeout(10_000)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        self.faults, url = [], (PAGES / f"{name}.html").as_uri()
        page.on("console", lambda message: self.faults.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.faults.append(request.url) if request.url != url else None)
        page.goto(url)
        page.wait_for_selector("html[data-drawn]")
        self.addCleanup(lambda: self.assertEqual(self.faults, []))
        return page

    def results(self, page):
        return json.loads(page.locator("#results").text_content())

    def type_filter(self, page, text, shown):
        page.fill("#filter", text)
        page.wait_for_function("(text) => document.getElementById('count').textContent.startsWith(text + ' of ')", arg=shown)

    def column(self, page, index):
        return page.eval_on_selector_all("#table tbody tr", f"(rows) => rows.map((row) => row.cells[{index}].innerText.trim())")

    def test_one_filter_acts_on_charts_table_and_failures(self):
        page = self.open("widths")
        trials = self.results(page)["trials"]
        units = "reservoir.population.0.units"
        wanted = [t for t in trials if t["point"][units] <= 20 and t["score"] > 0.97]
        count = len(wanted)
        self.assertTrue(50 < count < 500, count)
        self.type_filter(page, "units <= 20 score > 0.97", str(count))
        for chart in ("scatter", "parallel", "convergence"):
            self.assertEqual(page.evaluate(LENGTH, [chart, 0]), count, chart)
        cells = page.evaluate(f"() => ({CHART})('cells').getOption().series[0].data.map(({{ value }}) => value[1])")
        self.assertTrue(cells and max(cells) <= 26, cells)
        page.click("#more")
        numbers = {int(number) for number in self.column(page, 0)}
        self.assertEqual(numbers, {t["trial"] for t in wanted})
        self.assertTrue(all(int(units) <= 20 for units in self.column(page, 1)))
        page.click("#clear")
        page.wait_for_function("document.getElementById('count').textContent === '1,000 of 1,000 trials'")

    def test_words_and_alternatives_filter_and_what_is_wrong_is_said(self):
        page = self.open("search")
        trials = self.results(page)["trials"]
        few = [t for t in trials if t["point"]["readout.features"] in ("mean", "max") and "heads" in str(t["point"])]
        self.type_filter(page, "features=mean|max kind = attention", str(len(few)))
        failed = [t for t in trials if "SIGKILL" in (t["problem"] or "")]
        self.type_filter(page, "sigkill", str(len(failed)))
        self.assertIn("signal 9", page.inner_text("#failed"))
        self.assertNotIn("not finite", page.inner_text("#failed"))
        page.fill("#filter", "width > 3")
        page.wait_for_selector("#filter-problem:not(:empty)")
        self.assertIn("There is no column width. The columns are trial, leak,", page.inner_text("#filter-problem"))
        self.assertEqual(page.get_attribute("#filter", "aria-invalid"), "true")
        page.fill("#filter", "leak < few")
        page.wait_for_function("document.getElementById('filter-problem').textContent.includes('few is none')")

    def test_the_table_sorts_by_each_column_and_what_is_absent_is_last(self):
        page = self.open("search")
        page.click("#more")
        head = page.locator("#table thead th")
        names = head.all_inner_texts()
        heads = next(index for index, name in enumerate(names) if name.startswith("heads"))
        for direction in ("ascending", "descending"):
            head.nth(heads).locator("button").click()
            self.assertEqual(head.nth(heads).get_attribute("aria-sort"), direction)
            shown = self.column(page, heads)
            present = [int(value) for value in shown if value != "–"]
            self.assertEqual(present, sorted(present, reverse=direction == "descending"))
            self.assertTrue(0 < len(present) < len(shown))
            self.assertTrue(all(value == "–" for value in shown[len(present):]))
        # At first the best is on top, and lower is better here.
        page = self.open("search")
        first = min((t for t in self.results(page)["trials"] if t["score"] is not None), key=lambda t: t["score"])
        self.assertEqual(self.column(page, 0)[0], str(first["trial"]))

    def test_hovering_a_trial_and_a_cell_says_what_they_are(self):
        page = self.open("widths")
        trials = self.results(page)["trials"]
        best = max(trials, key=lambda t: t["score"])
        page.locator("#scatter").scroll_into_view_if_needed()
        page.mouse.move(*page.evaluate(PLACE, ["scatter", 0, len(trials) - 1]))
        tip = page.locator("#scatter > div:last-child")
        page.wait_for_function("document.querySelector('#scatter > div:last-child').innerText.includes('Trial')")
        self.assertIn(f"Trial {best['trial']}\n", tip.inner_text())
        self.assertIn(f"units {best['point']['reservoir.population.0.units']}", tip.inner_text())
        self.assertIn("parameters", tip.inner_text())
        box = page.locator("#cells").bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.6)
        page.wait_for_function("document.querySelector('#cells > div:last-child').innerText.includes('mean validation accuracy')")

    def test_a_click_shows_a_trial_and_narrows_to_a_cell(self):
        page = self.open("widths")
        best = max(self.results(page)["trials"], key=lambda t: t["score"])
        page.locator("#scatter").scroll_into_view_if_needed()
        page.mouse.click(*page.evaluate(PLACE, ["scatter", 0, 999]))
        page.wait_for_selector("#selected:not([hidden])")
        self.assertIn(best["command"], page.inner_text("#selected"))
        self.assertEqual(page.get_attribute("#table tr.chosen", "data-trial"), str(best["trial"]))
        page.click("#selected >> text=Close")
        self.assertTrue(page.locator("#selected").is_hidden())
        box = page.locator("#cells").bounding_box()
        page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.6)
        page.wait_for_function("document.getElementById('filter').value.includes('units>=')")
        shown = int(page.inner_text("#count").split()[0])
        self.assertTrue(0 < shown < 30, shown)
        self.assertEqual(page.evaluate(LENGTH, ["cells", 0]), 1)

    def test_a_range_dragged_along_an_axis_becomes_a_condition(self):
        page = self.open("widths")
        page.locator("#parallel").scroll_into_view_if_needed()
        box = page.locator("#parallel").bounding_box()
        x = box["x"] + 48
        page.mouse.move(x, box["y"] + 0.75 * box["height"])
        page.mouse.down()
        page.mouse.move(x, box["y"] + 0.6 * box["height"], steps=4)
        page.mouse.move(x, box["y"] + 0.5 * box["height"], steps=4)
        page.mouse.up()
        page.wait_for_function("/units>=[\\d.]+ units<=[\\d.]+/.test(document.getElementById('filter').value)")
        shown = int(page.inner_text("#count").split()[0].replace(",", ""))
        self.assertTrue(100 < shown < 500, shown)

    def test_other_axes_and_logarithms_can_be_chosen(self):
        page = self.open("widths")
        page.select_option("#x", label="parameters")
        page.select_option("#y", label="validation accuracy")
        self.assertTrue(page.is_checked("#x-log"))
        name = f"() => [0].map(() => ({CHART})('scatter').getOption()).map((option) => [option.xAxis[0].name, option.yAxis[0].name])[0]"
        self.assertEqual(page.evaluate(name), ["parameters", "score"])
        page.select_option("#x", label="units")
        most = f"() => ({CHART})('scatter').getOption().xAxis[0].max"
        self.assertGreater(page.evaluate(most), 90)
        page.check("#x-log")
        self.assertLess(page.evaluate(most), 3)

    def test_commands_are_copied(self):
        page = self.open("search", permissions=["clipboard-read", "clipboard-write"])
        trials = {str(t["trial"]): t["command"] for t in self.results(page)["trials"]}
        for row in (0, 3):
            number = self.column(page, 0)[row]
            page.locator("#table tbody tr").nth(row).get_by_role("button", name="Copy the command").click()
            page.wait_for_function("document.getElementById('said').textContent === 'Command copied'")
            self.assertEqual(page.evaluate("navigator.clipboard.readText()"), trials[number])
        page.click("#best >> text=Copy command")
        page.wait_for_selector("#best >> text=Copied")
        self.assertEqual(page.evaluate("navigator.clipboard.readText()"), trials[self.column(page, 0)[0]])

    def test_commands_are_copied_without_a_clipboard_interface(self):
        page = self.open("search", script="Object.defineProperty(navigator, 'clipboard', { value: undefined });")
        trials = {str(t["trial"]): t["command"] for t in self.results(page)["trials"]}
        page.locator("#best >> text=Copy command").click()
        page.wait_for_selector("#best >> text=Copied")
        page.focus("#filter")
        page.keyboard.press("Control+V")
        self.assertEqual(page.input_value("#filter"), trials[self.column(page, 0)[0]])

    def test_dark_mode_changes_page_and_charts_while_it_is_open(self):
        page = self.open("widths", color_scheme="light")
        ink = f"() => ({CHART})('scatter').getOption().xAxis[0].axisLabel.color"
        paper = "() => getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(ink), page.evaluate(paper)
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(f"(before) => ({ink})() !== before", arg=light[0])
        dark = page.evaluate(ink), page.evaluate(paper)
        self.assertEqual((light, dark), (("#1a1a1a", "rgb(255, 255, 255)"), ("#e8eaed", "rgb(21, 24, 29)")))

    def test_nothing_is_wider_than_a_phone(self):
        for name in ("widths", "search", "hostile", "nothing"):
            page = self.open(name, PHONE, has_touch=True)
            self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 360, name)
            wide = page.eval_on_selector_all("canvas, button, select, input, h1, .card", "(all) => all.filter((one) => !one.closest('.scroll') && one.getBoundingClientRect().right > 360).map((one) => one.outerHTML.slice(0, 80))")
            self.assertEqual(wide, [], name)

    def test_everything_can_be_done_by_keyboard(self):
        page = self.open("search")
        order = []
        for _ in range(40):
            page.keyboard.press("Tab")
            order.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
            self.assertNotEqual(page.evaluate(OUTLINE), "none", order)
            named = page.evaluate("(() => { const e = document.activeElement; return !!(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim() || (e.labels && e.labels.length)); })()")
            self.assertTrue(named, order)
        wanted = ["filter", "x", "x-log", "y", "y-log", "scatter", "cells", "parallel", "convergence", "importance"]
        self.assertEqual([name for name in order if name in wanted], wanted)
        page.focus("#scatter")
        said = set()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
            said.add(page.inner_text("#said"))
            self.assertIn("Trial", page.locator("#scatter > div:last-child").inner_text())
        self.assertEqual(len(said), 3)
        page.keyboard.press("Enter")
        number = page.inner_text("#said").split(":")[0]
        self.assertIn(number, page.inner_text("#selected"))
        page.keyboard.press("Escape")
        self.assertTrue(page.locator("#selected").is_hidden())
        for chart in ("cells", "parallel", "convergence", "importance"):
            page.focus(f"#{chart}")
            before = page.inner_text("#said")
            page.keyboard.press("End")
            self.assertNotEqual(page.inner_text("#said"), before, chart)
        page.focus("#cells")
        page.keyboard.press("Home")
        page.keyboard.press("Enter")
        page.wait_for_function("document.getElementById('filter').value !== ''")

    def test_texts_of_the_data_stay_texts(self):
        page = self.open("hostile")
        name = self.results(page)["name"]
        self.assertEqual(page.title(), name)
        self.assertEqual(page.locator("#name").text_content(), name)
        page.locator("#scatter").scroll_into_view_if_needed()
        page.focus("#scatter")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        self.assertIn(name, page.inner_text("#selected"))
        self.assertEqual(page.evaluate("[window.broken === undefined, document.images.length]"), [True, 0])

    def test_a_sweep_without_trials_says_so(self):
        page = self.open("nothing")
        self.assertIn("No trial has ended yet.", page.inner_text("#best"))
        for chart in ("scatter", "cells", "parallel", "convergence"):
            self.assertEqual(page.inner_text(f"#{chart}"), "No trial has a score.")
        self.assertIn("too few", page.inner_text("#importance"))
        self.assertIn("18 scored trials are too few", self.open("grid").inner_text("#importance"))

    def test_charts_show_something(self):
        """Prints how long a page takes from its beginning until its charts are drawn; machines differ too much to judge it."""
        for name, count in (("widths", 3), ("search", 1)):
            times = []
            for _ in range(count):
                page = self.open(name, bypass_csp=False)
                times.append(int(page.evaluate("document.documentElement.dataset.drawn")))
                for chart in ("scatter", "cells", "parallel", "convergence", "importance"):
                    colours = page.evaluate(
                        "(id) => { const c = document.querySelector(`#${id} canvas`); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
                        " const seen = new Set(); for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]); return seen.size; }",
                        chart,
                    )
                    self.assertGreater(colours, 20, chart)
            size = (PAGES / f"{name}.html").stat().st_size / 1e6
            print(f"{name}: {size:.1f} MB, drawn after {sorted(times)[count // 2]} ms ({times})")


if __name__ == "__main__":
    unittest.main(verbosity=2)
