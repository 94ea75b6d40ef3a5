using MLflow.Server.Tests.Rest;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresRetentionEndpointsTests(PostgresServer server) : RetentionEndpointsTests(server.Required), IClassFixture<PostgresServer>;
