"""A web server with faults, and a store that speaks S3's protocol: both serve one folder.

web_server.py FOLDER READY_FILE
  Writes its port to READY_FILE. Serves FOLDER at /MODES/PATH; MODES are words joined by "+", or "-":
  whole       knows no ranges
  bare        names no version (neither ETag nor Last-Modified)
  dated       names a version by Last-Modified only
  unsized     sends no length (chunked)
  cut         breaks each answer off after 300,000 bytes
  cut1        the first answer only
  busy        answers 503 to the first three requests for a path
  down        answers 503 always
  shifted     answers with the range that begins one byte further on, and calls it by its name
  other       answers with a range that was not asked for
  replaced    has another ETag from the second request for a path on
  changing    has another ETag for each request
  short       claims a thousand bytes more than it sends
  moved       redirects to the same path without it
  downgraded  redirects to http at a port where nobody listens
  secret      wants the name "ann" with the password "s3cret"
  slow        sends a block each 10 ms
  gone        answers 410
  /-/log      the requests so far, a line each: method, path, range, status
  /s3/BUCKET/KEY, /s3/BUCKET/?list-type=2: a store; pages of three keys. Requests are signed with the key
  "AKIDEXAMPLE" and the secret "wJalrXUtnFEMI"; the signature is checked here by what Amazon publishes of it.
  Objects are written whole or in parts of 5 MiB at least. A key with "busy" in it answers 503 to the first two
  requests, one with "full" always refuses part 2, one with "denied" everything.
"""
import datetime
import email.utils
import hashlib
import hmac
import http.server
import os
import re
import socketserver
import ssl
import sys
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

folder, ready = sys.argv[1:3]
KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI", os.environ.get("STORE_TOKEN")
PAGE = 3
seen = {}
uploads = {}
log = []
lock = threading.Lock()


def count(path):
    with lock:
        seen[path] = seen.get(path, 0) + 1
        return seen[path]


def signing_key(day, region):
    key = ("AWS4" + SECRET).encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def signature_problem(handler, path, query):
    """What is wrong with a request's signature; None: nothing. Amazon S3 API Reference, "Authenticating Requests
    (AWS Signature Version 4)"."""
    given = handler.headers.get("Authorization", "")
    match = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/s3/aws4_request, ?"
                     r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$", given)
    if not match:
        return "AccessDenied"
    key, day, region, names, signature = match.groups()
    if key != KEY:
        return "InvalidAccessKeyId"
    if TOKEN and handler.headers.get("x-amz-security-token") != TOKEN:
        return "InvalidToken"
    stamp = handler.headers["x-amz-date"]
    then = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    if abs((datetime.datetime.utcnow() - then).total_seconds()) > 900:
        return "RequestTimeTooSkewed"
    if "host" not in names.split(";") or "x-amz-content-sha256" not in names.split(";"):
        return "SignatureDoesNotMatch"
    pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
    canonical_query = "&".join(urllib.parse.quote(n, safe="-_.~") + "=" + urllib.parse.quote(v, safe="-_.~")
                               for n, v in pairs)
    headers = "".join("%s:%s\n" % (n, " ".join(handler.headers[n].split())) for n in names.split(";"))
    canonical_path = urllib.parse.quote(urllib.parse.unquote(path), safe="/-_.~")
    request = "\n".join([handler.command, canonical_path, canonical_query, headers, names,
                         handler.headers["x-amz-content-sha256"]])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, "%s/%s/s3/aws4_request" % (day, region),
                         hashlib.sha256(request.encode()).hexdigest()])
    wanted = hmac.new(signing_key(day, region), to_sign.encode(), hashlib.sha256).hexdigest()
    return None if hmac.compare_digest(wanted, signature) else "SignatureDoesNotMatch"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, status):
        with lock:
            log.append("%s %s %s %d" % (self.command, self.path, self.headers.get("Range", "-"), status))

    def answer(self, status, body=b"", headers=()):
        self.note(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/-/uploads":
            return self.answer(200, ("%d" % len(uploads)).encode())
        if path == "/-/log":
            return self.answer(200, ("\n".join(log) + "\n").encode())
        if path.startswith("/s3/"):
            return self.store(path, query)
        modes, _, rest = path[1:].partition("/")
        self.serve(modes.split("+"), os.path.join(folder, urllib.parse.unquote(rest)), path)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path, _, query = self.path.partition("?")
        self.write(path, dict(urllib.parse.parse_qsl(query, keep_blank_values=True)), query, body)

    do_POST = do_DELETE = do_PUT

    # S3

    def write(self, path, given, query, body):
        problem = signature_problem(self, path, query)
        if not problem and self.headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
            problem = "XAmzContentSHA256Mismatch"
        bucket, _, key = path[4:].partition("/")
        key = urllib.parse.unquote(key)
        if problem or "denied" in key:
            return self.refuse(403, problem or "AccessDenied")
        if "busy" in key and count(self.command + self.path) <= 2:
            return self.refuse(503, "SlowDown")
        if self.command == "PUT" and "uploadId" not in given:
            return self.store_object(bucket, key, body)
        self.write_parts(bucket, key, given, body)

    def store_object(self, bucket, key, body):
        name = os.path.join(folder, bucket, key)
        if not os.path.isdir(os.path.join(folder, bucket)):
            return self.refuse(404, "NoSuchBucket")
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "wb") as file:
            file.write(body)
        self.answer(200, b"", [("ETag", "\"%s\"" % hashlib.md5(body).hexdigest())])

    def write_parts(self, bucket, key, given, body):
        if self.command == "POST" and given.get("uploads") == "":
            name = "u/%d+=" % (len(uploads) + 1)
            uploads[name] = {}
            return self.answer(200, b"<R><UploadId>%s</UploadId></R>" % name.encode())
        parts = uploads.get(given.get("uploadId"))
        if parts is None:
            return self.refuse(404, "NoSuchUpload")
        if self.command == "DELETE":
            del uploads[given["uploadId"]]
            return self.answer(204)
        if self.command == "PUT":
            if "full" in key and given["partNumber"] == "2":
                return self.refuse(507, "QuotaExceeded")
            parts[int(given["partNumber"])] = body
            return self.answer(200, b"", [("ETag", "\"%s\"" % hashlib.md5(body).hexdigest())])
        named = re.findall(rb"<PartNumber>(\d+)</PartNumber><ETag>\"([0-9a-f]+)\"</ETag>", body)
        wanted = [(int(number), tag.decode()) for number, tag in named]
        have = [(number, hashlib.md5(part).hexdigest()) for number, part in sorted(parts.items())]
        if wanted != have or any(len(part) < 5 << 20 for _, part in sorted(parts.items())[:-1]):
            return self.refuse(400, "InvalidPart")
        del uploads[given["uploadId"]]
        self.store_object(bucket, key, b"".join(part for _, part in sorted(parts.items())))

    def refuse(self, status, code):
        self.answer(status, ("<?xml version=\"1.0\"?><Error><Code>%s</Code></Error>" % code).encode())

    def store(self, path, query):
        problem = signature_problem(self, path, query)
        if problem:
            return self.refuse(403, problem)
        bucket, _, key = path[4:].partition("/")
        if not os.path.isdir(os.path.join(folder, bucket)):
            return self.refuse(404, "NoSuchBucket")
        if key:
            return self.serve(["s3"], os.path.join(folder, bucket, urllib.parse.unquote(key)), path)
        self.list(bucket, dict(urllib.parse.parse_qsl(query)))

    def list(self, bucket, given):
        root = os.path.join(folder, bucket)
        keys = sorted(os.path.relpath(os.path.join(place, name), root)
                      for place, _, names in os.walk(root) for name in names)
        prefix = given.get("prefix", "")
        keys = [key for key in keys if key.startswith(prefix)]
        if given.get("delimiter"):
            keys = [key for key in keys if given["delimiter"] not in key[len(prefix):]]
        start = int(given.get("continuation-token", "t0=")[1:-1])
        page = keys[start:start + PAGE]
        more = start + PAGE < len(keys)
        body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        body += "<IsTruncated>%s</IsTruncated>" % ("true" if more else "false")
        body += "".join("<Contents><Key>%s</Key><Size>1</Size></Contents>" % escape(key) for key in page)
        if more:
            body += "<NextContinuationToken>t%d=</NextContinuationToken>" % (start + PAGE)
        self.answer(200, (body + "</ListBucketResult>").encode(), [("Content-Type", "application/xml")])

    # Files

    def serve(self, modes, name, path):
        nth = count(path)
        if "down" in modes or "busy" in modes and nth <= 3:
            return self.answer(503, b"busy", [("Retry-After", "0")])
        if "gone" in modes:
            return self.answer(410)
        if "secret" in modes and self.headers.get("Authorization") != "Basic YW5uOnMzY3JldA==":
            return self.answer(401, b"", [("WWW-Authenticate", "Basic realm=\"x\"")])
        if "downgraded" in modes:
            return self.answer(302, b"", [("Location", "http://127.0.0.1:1/-/f.csv")])
        if "moved" in modes:
            rest = [mode for mode in modes if mode != "moved"] or ["-"]
            return self.answer(302, b"", [("Location", "/" + "+".join(rest) + "/" + path.split("/", 2)[2])])
        try:
            with open(name, "rb") as file:
                data = file.read()
        except OSError:
            return self.refuse(404, "NoSuchKey") if "s3" in modes else self.answer(404)
        self.send(modes, nth, name, data)

    def version(self, modes, nth, name, data):
        if "bare" in modes:
            return []
        if "dated" in modes:
            return [("Last-Modified", email.utils.formatdate(os.path.getmtime(name), usegmt=True))]
        tag = hashlib.md5(data).hexdigest() + ("x" if "replaced" in modes and nth > 1 else "")
        tag += str(nth) if "changing" in modes else ""
        return [("ETag", "\"%s\"" % tag)]

    def send(self, modes, nth, name, data):
        headers = self.version(modes, nth, name, data)
        status, body = 200, data
        asked = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("Range", ""))
        if asked and "whole" not in modes:
            start = int(asked.group(1)) + ("other" in modes)
            end = min(int(asked.group(2) or len(data)) + 1, len(data))
            if start >= len(data):
                return self.answer(416, b"", [("Content-Range", "bytes */%d" % len(data))])
            shift = "shifted" in modes and start > 0
            status, body = 206, data[start + shift:end]
            headers.append(("Content-Range", "bytes %d-%d/%d" % (start + shift, end - 1, len(data))))
        self.note(status)
        self.send_response(status)
        for field, value in headers:
            self.send_header(field, value)
        if "unsized" in modes:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body) + (1000 if "short" in modes else 0)))
        self.end_headers()
        self.send_body(modes, nth, body)

    def send_body(self, modes, nth, body):
        cut = "cut" in modes or "cut1" in modes and nth == 1
        limit = min(len(body), 300000) if cut else len(body)
        for at in range(0, limit, 65536):
            block = body[at:min(at + 65536, limit)]
            if "unsized" in modes:
                block = b"%x\r\n%s\r\n" % (len(block), block)
            self.wfile.write(block)
            if "slow" in modes:
                self.wfile.flush()
                time.sleep(0.01)
        if "unsized" in modes and not cut:
            self.wfile.write(b"0\r\n\r\n")
        if cut or "short" in modes:
            self.close_connection = True


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Handler)
if os.environ.get("WEB_TLS"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["WEB_TLS"])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
with open(ready + ".part", "w") as file:
    file.write(str(server.server_address[1]))
os.rename(ready + ".part", ready)
server.serve_forever()
