"""Make or renew a unit's site: sites.py UNIT. Runs inside the container.

Can be run again at any time, also after an interruption: each step commits by itself and is
skipped when it is done. A page that someone has edited since is left as it is.
"""

import hashlib
import logging
import os
import sys
from html import escape
from pathlib import Path

import ask
import databases
import transaction
import Zope2
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.users import system
from plone import api
from plone.app.textfield.value import RichTextValue
from Products.CMFPlone.factory import addPloneSite
from Testing.makerequest import makerequest
from ZODB.POSException import ConflictError
from zope.annotation.interfaces import IAnnotations
from zope.component.hooks import setSite
from zope.globalrequest import setRequest
from Zope2.Startup.run import make_wsgi_app

HERE = Path(__file__).parent
SITE = ask.FACTS["site_id"]
WRITTEN = "hanoi.written"  # the digest of the text that was put here
TRIES, TRIED = 5, "HANOI_TRIED"
PROFILES = (
    "plone.app.contenttypes:default",
    "plonetheme.barceloneta:default",
    "collective.easyform:default",
)

NOTES = {
    4: (
        "Mức độ 4: nộp hồ sơ, thanh toán và nhận kết quả trực tuyến. Cổng mẫu này chưa thu lệ phí.",
        "Level 4: filed, paid and answered online. This sample portal takes no payment.",
    ),
    3: (
        "Mức độ 3: nộp hồ sơ trực tuyến; nộp lệ phí và nhận kết quả tại cơ quan.",
        "Level 3: filed online; paid and answered at the office.",
    ),
    2: (
        "Mức độ 2: thông tin và biểu mẫu; hồ sơ nộp tại cơ quan hoặc qua bưu chính.",
        "Level 2: information and forms; filed at the office or by post.",
    ),
    1: ("Mức độ 1: thông tin về thủ tục.", "Level 1: information on the procedure."),
}

FIELDS = (
    ("ho_ten", "Họ và tên · Full name", "zope.schema.TextLine", True, ""),
    ("giay_to", "Số giấy tờ tùy thân · Identity paper", "zope.schema.TextLine", False, ""),
    ("dien_thoai", "Điện thoại · Telephone", "zope.schema.TextLine", False, ""),
    (
        "thu_dien_tu",
        "Thư điện tử · E-mail",
        "zope.schema.TextLine",
        True,
        ' easyform:validators="isValidEmail"',
    ),
    ("dia_chi", "Địa chỉ · Address", "zope.schema.TextLine", False, ""),
    ("noi_dung", "Nội dung đề nghị · What you ask for", "zope.schema.Text", True, ""),
)
MODEL = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<model xmlns="http://namespaces.plone.org/supermodel/schema"'
    ' xmlns:easyform="http://namespaces.plone.org/supermodel/easyform"><schema>{}</schema></model>'
)
SAVER = (
    '<field name="luu" type="collective.easyform.actions.SaveData">'
    "<title>Lưu hồ sơ · Store</title><DownloadFormat>csv</DownloadFormat>"
    "<ExtraData><element>dt</element></ExtraData></field>"
)


def form_fields():
    return MODEL.format(
        "".join(
            f'<field name="{name}" type="{kind}"{extra}><title>{title}</title>'
            f"<required>{required}</required></field>"
            for name, title, kind, required, extra in FIELDS
        )
    )


def both(vi, en):
    return f'<p>{escape(vi)}</p><p lang="en">{escape(en)}</p>'


def committed(step):
    """Do one step and commit it. When something else got in its way the program begins anew, as it
    may at any time: what a step that came to nothing has left in memory fails the next."""
    try:
        transaction.begin()
        done = step()
        transaction.commit()
        return done
    except ConflictError:
        tried = int(os.environ.get(TRIED, 1))
        if tried == TRIES:
            raise
        os.execve(sys.executable, sys.orig_argv, {**os.environ, TRIED: str(tried + 1)})


def text_of(item):
    body = getattr(item, "text", None) or getattr(item, "formPrologue", None)
    return getattr(body, "raw", "") or ""


def digest(item):
    return hashlib.sha256(f"{item.title}\n{text_of(item)}".encode()).hexdigest()[:16]


def put(place, kind, name, title, text="", **fields):
    """The item with this title and text; one that somebody changed stays as it is."""
    body = RichTextValue(text, "text/html", "text/x-html-safe")
    if kind == "Document":
        fields["text"] = body
    elif kind == "EasyForm":
        fields["formPrologue"] = body
    item = place.get(name)
    if item is None:
        item = api.content.create(place, kind, name, title=title, language="vi", **fields)
        api.content.transition(item, "publish")
    elif IAnnotations(item).get(WRITTEN) == digest(item):
        item.title = title
        for field, value in fields.items():
            setattr(item, field, value)
        item.reindexObject()
    else:
        return item
    IAnnotations(item)[WRITTEN] = digest(item)
    return item


def put_form(place, name, title, text):
    return put(
        place,
        "EasyForm",
        name,
        title,
        text,
        fields_model=form_fields(),
        actions_model=MODEL.format(SAVER),
        submitLabel="Gửi hồ sơ · Submit",
        thankstitle="Đã nhận hồ sơ · Received",
        thanksdescription="Hồ sơ đã được lưu. · Your submission has been stored.",
    )


def make_site(app, unit):
    """The site with its languages, its first user, and publication as a step of its own."""
    facts, place = ask.FACTS["units"][unit]["site"], app[unit]
    if SITE in place.objectIds():
        return
    site = addPloneSite(
        place,
        SITE,
        title=facts["title"],
        extension_ids=PROFILES,
        default_language="vi",
        portal_timezone=facts["timezone"],
    )
    setSite(site)
    registry = api.portal.get_tool("portal_registry")
    registry["plone.available_languages"] = ["vi", "en"]
    registry["plone.use_request_negotiation"] = True
    registry["plone.use_cookie_negotiation"] = True
    registry["plone.email_from_address"] = facts["email"]
    registry["plone.email_from_name"] = facts["title"]
    registry["plone.enable_self_reg"] = False
    api.portal.get_tool("portal_workflow").setDefaultChain("simple_publication_workflow")
    site.acl_users.session.secure = True
    password = (HERE / "admin" / unit).read_text(encoding="utf-8").strip()
    site.acl_users.userFolderAddUser("admin", password, ["Manager"], [])


def make_front(site, facts):
    """The title, and the front page: of the portal when the unit has it, else of the unit."""
    title = facts["title"]
    site.title = title
    api.portal.set_registry_record("plone.site_title", title)
    api.portal.set_registry_record("plone.email_from_name", title)
    procedures = facts["procedures"]
    text = portal_text(procedures) if procedures else unit_text(facts)
    put(site, "Document", "trang-chu", title, text)
    site.setDefaultPage("trang-chu")


def unit_text(facts):
    return both(
        f"Trang dịch vụ của {facts['title']}.", f"The services of: {facts['title_en']}."
    ) + ('<p><a href="lien-he">Gửi yêu cầu · Send a request</a></p>')


def portal_text(procedures):
    """All procedures by group. The groups' sum and the stated total are both shown."""
    rows = "".join(
        f'<tr><td>{g["level"]}</td><td><a href="{g["id"]}">{escape(g["vi"])}</a>'
        f'<br><span lang="en">{escape(g["en"])}</span></td><td>{g["count"]}</td></tr>'
        for g in procedures["groups"]
    )
    counted = sum(g["count"] for g in procedures["groups"])
    total = procedures["total"]
    text = both(
        f"Bộ có {total} thủ tục hành chính, chia theo nhóm và mức độ dưới đây.",
        f"The ministry has {total} administrative procedures, by group and level as below.",
    ) + (
        "<table><thead><tr><th>Mức độ · Level</th><th>Nhóm · Group</th><th>Số thủ tục · Number"
        f"</th></tr></thead><tbody>{rows}</tbody><tfoot><tr><td></td><td>Cộng các nhóm · Sum of"
        f" the groups</td><td>{counted}</td></tr></tfoot></table>"
    )
    if counted != total:
        text += both(
            f"Nguồn nêu tổng số {total}, còn các nhóm cộng lại là {counted}; nguồn không giải"
            f" thích chênh lệch {counted - total}.",
            procedures["note"] or f"The source states {total}; the groups add up to {counted}.",
        )
    return text + both(
        "Nguồn không nêu tên từng thủ tục: các tên trên cổng này là minh họa.",
        "The source does not name single procedures: the names on this portal are illustrative.",
    )


def make_group(site, group):
    """A group's folder with a page for each procedure, and a form where it is filed online."""
    level, online = group["level"], group["level"] >= 3
    folder = put(site, "Folder", group["id"], f"{group['vi']} ({group['count']})")
    for number in range(1, group["count"] + 1):
        title = f"{group['vi']}: thủ tục {number:0{len(str(group['count']))}} (tên minh họa)"
        text = both(*NOTES[level]) + both(
            "Tên và nội dung minh họa.", "Name and content are illustrative."
        )
        name = f"thu-tuc-{number:03}"
        if online:
            put_form(folder, name, title, text)
        else:
            put(folder, "Document", name, title, text)


def make_contact(site):
    put_form(
        site,
        "lien-he",
        "Gửi yêu cầu · Send a request",
        both("Yêu cầu được lưu tại đơn vị.", "The unit stores what you send."),
    )


def zope():
    """Zope's root object, as the web server has it, with every right."""
    logging.disable(logging.ERROR)  # of Plone about its own parts
    ask.wait_for_database()
    databases.when_asked()
    make_wsgi_app({}, str(HERE / "zope.conf"))
    newSecurityManager(None, system)
    app = makerequest(Zope2.app())
    app.REQUEST["PARENTS"] = [app]
    setRequest(app.REQUEST)
    return app


def main(unit):
    app, facts = zope(), ask.FACTS["units"][unit]["site"]
    with ask.alone():  # a new site is noted in Zope's own database, which all hosts share
        committed(lambda: databases.mount(app, unit))
        committed(lambda: make_site(app, unit))
    site = app[unit][SITE]
    setSite(site)
    procedures = facts["procedures"]
    for group in procedures["groups"] if procedures else ():
        committed(lambda group=group: make_group(site, group))
    if not procedures:
        committed(lambda: make_contact(site))
    committed(lambda: make_front(site, facts))
    ask.record(unit)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Exception as fault:  # whatever it is, one line for the operator
        raise SystemExit(f"{type(fault).__name__}: {str(fault).strip()}") from None
