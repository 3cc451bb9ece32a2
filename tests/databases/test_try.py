from tests.databases.store import Store
from tests.postgres import LocalPostgres

def test_it(shop: Store, server: LocalPostgres):
    server.create("other", "create table precious as select 1")
    ended = shop.backup()
    print(ended); print(shop.names(), shop.rows(shop.names()[0]))
    for f in (lambda: shop.verify(), lambda: shop.prove(), lambda: shop.restore()):
        e = f(); print(e); print(server.databases())
    e = shop.restore(into="look"); print(e); print(server.databases())
    e = shop.restore(into="other"); print(e); print(server.databases())
    e = shop.restore(into="shop"); print(e); print(server.databases())
    assert 0
