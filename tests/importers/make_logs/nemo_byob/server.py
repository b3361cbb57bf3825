"""An endpoint that speaks OpenAI's chat API and adds; `MODEL:N` errs on every Nth question: server.py PORT."""

import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Adder(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        first, second = map(int, re.findall(r"\d+", asked["messages"][-1]["content"])[-2:])
        wrong = int(asked["model"].rpartition(":")[2])
        if first == 7 and wrong == 2:
            self.send_error(400, "no answer to seven")
            return
        content = str(first + second) if first % wrong else "no idea"
        message = {"role": "assistant", "content": content}
        page = {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10},
        }
        content = json.dumps(page).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Adder).serve_forever()
