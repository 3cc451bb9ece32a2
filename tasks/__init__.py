"""What a user can type. `fab --list` shows it."""

from invoke.collection import Collection

from tasks import artisan, backup, database, deploy, hosts, lock, maintenance, queue, rollback, run, status

namespace = Collection(
    deploy.deploy,
    deploy.plan,
    rollback.rollback,
    status.status,
    status.history,
    hosts.hosts,
    hosts.trust,
    run.run,
    artisan.artisan,
    lock=lock.namespace,
    backup=backup.namespace,
    database=database.namespace,
    maintenance=maintenance.namespace,
    queue=queue.namespace,
)
