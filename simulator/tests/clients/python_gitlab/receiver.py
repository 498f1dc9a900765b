"""A receiver of webhooks, which answers what it is told to."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread


class Receiver:
    """Keeps what it is sent, pairs of headers and body, until somebody asks for it."""

    def __init__(self):
        self.status = 200
        self.deliveries = Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.deliveries.put((self.headers, json.loads(body)))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/webhooks"

    def next(self):
        """The next delivery, which may be on its way."""
        return self.deliveries.get(timeout=30)
