using MLflow.Server.Tests.Rest;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresAssessmentEndpointsTests(PostgresServer server) : AssessmentEndpointsTests(server.Required), IClassFixture<PostgresServer>;
