using MLflow.Server.Tests.Rest;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresTraceEndpointsTests(PostgresServer server) : TraceEndpointsTests(server.Required), IClassFixture<PostgresServer>;
