"""How gunicorn serves the notes."""

bind = "0.0.0.0:8000"
workers = 1
worker_class = "asgi"
timeout = 30
graceful_timeout = 30
errorlog = "/var/log/gunicorn/error.log"
