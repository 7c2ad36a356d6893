"""What a web service calls for each request is rehearsed after the script that makes it."""

from pathlib import Path
from textwrap import dedent

import pytest

import bnlint

SERVICE = """
import torch
from torchvision import models
{imports}

app = {app}
model = models.resnet18(num_classes=4)
model.load_state_dict(torch.load("model.pt"))
{before}

@app.{route}
{kind} predict(file{default}):
    {first}
    with torch.no_grad():
        return model(decode(file)).softmax(1).argmax(1).tolist()
{after}
"""
PLAIN = {
    "imports": "from fastapi import FastAPI",
    "app": "FastAPI()",
    "before": "",
    "route": 'post("/predict")',
    "kind": "async def",
    "default": "=None",
    "first": "pass",
    "after": "",
}
SERVED = {
    "fastapi": {},
    "a router": {"imports": "from fastapi import APIRouter", "app": "APIRouter()"},
    "flask": {
        "imports": "from flask import Flask",
        "app": "Flask(__name__)",
        "route": 'route("/predict", methods=["POST"])',
        "kind": "def",
    },
    "beside another": {"after": '@app.get("/health")\ndef health():\n    return {"ok": True}\n'},
    "after one that is not called first": {
        "after": '@app.get("/warm")\ndef warm():\n    model.eval()\n    return 1\n'
    },
    "run by itself": {
        "after": 'if __name__ == "__main__":\n    import uvicorn\n    uvicorn.run(app)\n'
    },
}
SILENT = {
    "eval after loading": {"before": "model.eval()"},
    "eval in the function": {"first": "model.eval()"},
    "eval at the start": {
        "after": '@app.on_event("startup")\ndef start():\n    model.eval()\n',
    },
    "a lifespan": {
        "app": "FastAPI(lifespan=lifespan)",
        "before": "def lifespan(app):\n    model.eval()\n    yield\n",
    },
    "a dependency": {
        "before": "def warm():\n    model.eval()\n",
        "route": 'post("/predict", dependencies=[Depends(warm)])',
    },
    "a middleware": {
        "before": '@app.middleware("http")\ndef warm(request, call):\n    model.eval()\n'
    },
    "another function may have": {
        "before": '@app.get("/warm")\ndef warm():\n    model.eval()\n    return 1\n'
    },
    "another kind of application": {"imports": "from mine import FastAPI"},
}


def found(folder: Path, changes: dict[str, str]) -> list[str]:
    (folder / "pyproject.toml").touch()
    (folder / "app.py").write_text(dedent(SERVICE).format(**{**PLAIN, **changes}))
    return [finding.rule for finding in bnlint.lint_paths([folder / "app.py"])]


@pytest.mark.parametrize("service", SERVED)
def test_a_model_in_train_mode_that_answers_requests_is_found(tmp_path: Path, service: str) -> None:
    assert found(tmp_path, SERVED[service]) == ["BN302"]


@pytest.mark.parametrize("service", SILENT)
def test_a_model_that_may_be_in_eval_mode_is_not(tmp_path: Path, service: str) -> None:
    assert found(tmp_path, SILENT[service]) == []


def test_a_model_that_what_imports_the_service_may_put_into_eval_mode_is_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "main.py").write_text("from app import app, model\nmodel.eval()\n")
    (tmp_path / "other.py").write_text("print('nothing of it')\n")
    assert found(tmp_path, {}) == ["BN302"]  # alone, as nobody has named the other file
    assert not [one for one in bnlint.lint_paths([tmp_path]) if one.rule == "BN302"]


PAGE = """
import gradio as gr
import torch
from torchvision import models

model = models.resnet18(num_classes=4)
model.load_state_dict(torch.load("model.pt"))


def predict(picture):
    with torch.no_grad():
        return model(decode(picture)).argmax(1).item()


class Predictor:
    def __call__(self, picture):
        return predict(picture)


{page}
"""
PAGES = {
    "an interface": "gr.Interface(fn=predict, inputs='image', outputs='label').launch()",
    "by its place": "demo = gr.Interface(predict, 'image', 'label')\ndemo.launch()",
    "a lambda": "gr.Interface(lambda picture: predict(picture), 'image', 'label').launch()",
    "an object": "gr.Interface(Predictor(), 'image', 'label').launch()",
    "a method": "gr.Interface(Predictor().__call__, 'image', 'label').launch()",
    "a button": """
with gr.Blocks() as demo:
    picture, label = gr.Image(), gr.Label()
    go = gr.Button("Go")
    go.click(fn=predict, inputs=picture, outputs=label)
demo.launch()
""",
}


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_of_gradio_calls_is_rehearsed(tmp_path: Path, page: str) -> None:
    file = tmp_path / "app.py"
    file.write_text(PAGE.format(page=PAGES[page]))
    assert [finding.rule for finding in bnlint.lint_paths([file])] == ["BN302"]
    file.write_text(PAGE.format(page="model.eval()\n" + PAGES[page]))
    assert bnlint.lint_paths([file]) == []


BOT = """
import torch
from torchvision import models
{imports}

model = models.resnet18(num_classes=4)
model.load_state_dict(torch.load("model.pt"))
{before}

{decorator}
async def answer(*message):
    with torch.no_grad():
        return model(decode(message)).argmax(1).tolist()

{after}
"""
BOTS = {
    "telegram": {
        "imports": "from telegram.ext import ApplicationBuilder, MessageHandler, filters",
        "after": "bot = ApplicationBuilder().build()\nbot.add_handler(MessageHandler(filters.ALL, answer))",
    },
    "discord": {
        "imports": "from discord.ext import commands\nbot = commands.Bot('!')",
        "decorator": "@bot.command()",
    },
    "an event": {"imports": "import discord\nbot = discord.Client()", "decorator": "@bot.event"},
    "aiogram": {
        "imports": "from aiogram import Dispatcher\nbot = Dispatcher()",
        "decorator": "@bot.message()",
    },
    "telebot": {
        "imports": "import telebot\nbot = telebot.TeleBot('')",
        "decorator": "@bot.message_handler(content_types=['photo'])",
    },
    "celery": {"imports": "from celery import Celery\nq = Celery()", "decorator": "@q.task"},
    "aiohttp": {
        "imports": "from aiohttp import web",
        "after": "app = web.Application()\napp.add_routes([web.post('/', answer)])",
    },
}


@pytest.mark.parametrize("bot", BOTS)
def test_what_a_bot_calls_is_rehearsed(tmp_path: Path, bot: str) -> None:
    file = tmp_path / "bot.py"
    changes = {"decorator": "", "after": "", **BOTS[bot]}
    file.write_text(BOT.format(before="", **changes))
    assert [finding.rule for finding in bnlint.lint_paths([file])] == ["BN302"]
    file.write_text(BOT.format(before="model.eval()", **changes))
    assert bnlint.lint_paths([file]) == []
