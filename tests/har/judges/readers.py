"""haralyzer or mitmproxy on the files named on the command line; the first complaint about each is printed."""
import json
import sys


def haralyzer(path):
    from haralyzer import HarParser

    parser = HarParser.from_file(path)
    entries = [entry for page in parser.pages for entry in page.entries]
    assert len(entries) == len(parser.har_data["entries"]), "entries are missing"
    for entry in entries:
        assert entry.startTime is not None, "no start"
        assert entry.request.url == entry.url and entry.request.method, "no request"
        assert entry.request.get_header_value("host") is not False
        assert isinstance(entry.status, int) and entry.time >= 0
        assert entry.response.mimeType is not None and entry.response.bodySize >= -1
        parser.match_content_type(entry, "json")
        parser.match_status_code(entry, "2.*")


def mitmproxy(path):
    from mitmproxy.io.har import request_to_flow

    with open(path, encoding="utf-8") as file:
        entries = json.load(file)["log"]["entries"]
    for entry in entries:
        flow = request_to_flow(entry)
        assert flow.request.method == entry["request"]["method"].upper(), "another method"
        assert flow.request.host, "no host"
        assert flow.response.status_code == entry["response"]["status"], "another status"
        fields = [(field["name"], field["value"]) for field in entry["response"]["headers"]]
        found = [(name.decode(), value.decode()) for name, value in flow.response.headers.fields]
        assert found == fields, "other header fields"


judge, files = {"haralyzer": haralyzer, "mitmproxy": mitmproxy}[sys.argv[1]], sys.argv[2:]
failed = False
for file in files:
    try:
        judge(file)
    except Exception as error:
        failed = True
        print(f"{file}: {type(error).__name__}: {error}")
sys.exit(1 if failed else 0)
