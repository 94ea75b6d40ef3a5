using MLflow.Server.Tests.Rest;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresRunEndpointsTests(PostgresServer server) : RunEndpointsTests(server.Required), IClassFixture<PostgresServer>;
