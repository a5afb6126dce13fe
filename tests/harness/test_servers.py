"""The private servers start, and keep their data over a restart and a crash."""

import uuid

import pytest

from support.servers import InfluxDB, Redis, ServerError


def test_a_task_can_be_sent_and_its_message_read(app, rabbitmq, vhost):
    app.send_task("tasks.nobody", args=(1,))
    with app.connection_for_read() as connection:
        message = connection.default_channel.basic_get("celery")
        assert message.headers["task"] == "tasks.nobody"


def test_rabbitmq_keeps_durable_queues_over_a_restart(rabbitmq):
    name = f"restart-{uuid.uuid4().hex[:6]}"
    rabbitmq.create_vhost(name)
    rabbitmq.api("PUT", f"queues/{name}/kept", {"durable": True})
    rabbitmq.restart()
    assert rabbitmq.queue(name, "kept")["durable"] is True
    rabbitmq.delete_vhost(name)


def test_rabbitmq_closes_the_connections_of_one_virtual_host(app, rabbitmq, vhost):
    with app.connection_for_read() as connection:
        connection.connect()
        assert len(rabbitmq.connections(vhost)) == 1
        rabbitmq.close_connections(vhost)
        with pytest.raises(connection.connection_errors):
            connection.drain_events(timeout=10)


def test_redis_keeps_its_data_over_a_crash():
    with Redis() as server:
        server.command("SET", "alarm", "a:disk", database=3)
        server.kill()
        server.start()
        assert server.command("GET", "alarm", database=3) == "a:disk"
        with pytest.raises(ServerError, match="unknown command"):
            server.command("NONSENSE")


def test_influxdb_stores_points_and_reports_errors():
    with InfluxDB() as server:
        server.create_database("mon")
        server.write("mon", "cpu,host=a usage=91.5 1000000000")
        server.restart()
        series = server.query("SELECT * FROM cpu", "mon")["series"][0]
        assert series["values"] == [["1970-01-01T00:00:01Z", "a", 91.5]]
        with pytest.raises(ServerError, match="database not found"):
            server.query("SELECT * FROM cpu", "nowhere")
