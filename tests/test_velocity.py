"""Mapping templates: what they make, and what is refused with its place."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook import UsageError
from sfnbook.triggers.apigateway import UTIL, Request, _input, escape_javascript
from sfnbook.triggers.velocity import render

BODY = {"id": 7, "name": "Ada", "tags": ["x", "y"], "deep": {"on": True, "none": None}}
REQUEST = Request(BODY, headers={"X-Id": "h"}, query={"q": "1"}, path_parameters={"id": "p"})

MADE = {
    "text": ("a $5 b # c", "a $5 b # c"),
    "json": ("$input.json('$.deep')", '{"on":true,"none":null}'),
    "json of a text": ("$input.json('$.name')", '"Ada"'),
    "json of nothing": ("$input.json('$.no')", '""'),
    "path": ("$input.path('$.name')", "Ada"),
    "path as Java prints it": ("$input.path('$.deep')", "{on=true, none=null}"),
    "field": ("$input.path('$').deep.on", "true"),
    "index": ("$input.path('$').tags[1]", "y"),
    "body": ("$input.body", json.dumps(BODY, separators=(",", ":"))),
    "params": ("$input.params('id')-$input.params('q')-$input.params('X-Id')-$input.params('no')", "p-1-h-"),
    "all params": ("$input.params().header.get('X-Id')", "h"),
    "context": ("$context.stage ${context.stage}x", "prod prodx"),
    "unknown": ("$nobody ${nobody} $!nobody.", "$nobody ${nobody} ."),
    "set": ('#set($a = 1)\n#set($b = "<$a>")\n$b', "<1>"),
    "single quotes": ("#set($b = '<$a>')$b", "<$a>"),
    "doubled quotes": ("#set($b = 'it''s')$b", "it's"),
    "if": ("#if($input.path('$.id') > 5)big#else small#end", "big"),
    "elseif": ("#if(false)a#elseif(1 == 1)b#else c#end", "b"),
    "else": ("#if($none)a#else-c#end", "-c"),
    "and or not": ("#if(!(true && false) || $none)yes#end", "yes"),
    "empty text is there": ('#if("")yes#end', "yes"),
    "foreach": ("#foreach($t in $input.path('$.tags'))[$t]#end", "[x][y]"),
    "keys": ("#foreach($k in $input.path('$').keySet())$k #end", "id name tags deep "),
    "list and map": ('#set($m = {"a": [1, 2]})$m.a.size() $m.get("a").get(0) $m', "2 1 {a=[1, 2]}"),
    "field set": ("#set($m = {})#set($m.a = 3)$m.a", "3"),
    "arithmetic": ("#set($n = 2 + 3 - 1)$n #set($s = 'a' + 1)$s", "4 a1"),
    "methods": ("#set($s = ' Ab ')$s.trim().toLowerCase().replace('b', 'c').length()", "2"),
    "groups": ("#set($s = 'k=v')$s.replaceAll('(\\w)=(\\w)', '$2=$1')", "v=k"),
    "comments": ("a## not this\nb#* nor\nthis *#c", "abc"),
    "urls": ("$util.urlEncode('a b/c') $util.urlDecode('a%20b')", "a%20b%2Fc a b"),
    "base64": ("$util.base64Encode('abc') $util.base64Decode('YWJj')", "YWJj abc"),
    "parsed": ("$util.parseJson('{\"a\": [5]}').a[0]", "5"),
}
REFUSED = {
    "no end": ("a\n#if(true)b", "line 2, column 11: an #if has no #end"),
    "end alone": ("a #end", "#end without an #if or #foreach"),
    "loop without end": ("#foreach($a in [1])x", "a #foreach has no #end"),
    "open text": ("#set($a = 'x)", "a text has no closing '"),
    "no bracket": ("#set($a = 1", "')' is missing"),
    "a word": ("#set($a = b)", "'b' is no value; a reference begins with $"),
    "method of util": ("$util.escapeJavascript('x')", "Did you mean 'escapeJavaScript'?"),
    "method of a text": ("#set($s = 'x')$s.reverse()", "calls .reverse() of a str"),
    "arguments": ("$input.json()", "calls .json()"),
    "no field": ("#set($a = 1)#set($a.b = 2)", "sets $a.b, which is no variable"),
    "too long": (
        "#set($n = [1,2,3,4,5,6,7,8,9,10])" + "#foreach($a in $n)" * 6 + "x" + "#end" * 6,
        "takes more than 100,000 steps",
    ),
}


def variables():
    return {"input": _input(REQUEST, REQUEST.text), "util": UTIL, "context": {"stage": "prod"}}


@pytest.mark.parametrize(("template", "made"), MADE.values(), ids=MADE)
def test_what_a_template_makes(template, made):
    assert render(template, variables()) == made


@pytest.mark.parametrize(("template", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(template, says):
    with pytest.raises(UsageError) as refused:
        render(template, variables())
    assert says in str(refused.value)


@given(st.text())
def test_escaped_text_put_right_is_json(written):
    escaped = escape_javascript(written).replace("\\'", "'")
    assert json.loads(f'"{escaped}"') == written


@given(st.text(alphabet="ab#$!{}()[].'\" =\n,end", max_size=30))
def test_any_template_makes_text_or_is_refused(template):
    with contextlib.suppress(UsageError):
        assert isinstance(render(template, variables()), str)
