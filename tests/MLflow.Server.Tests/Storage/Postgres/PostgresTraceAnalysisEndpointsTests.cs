using MLflow.Server.Tests.Rest;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresTraceAnalysisEndpointsTests(PostgresServer server) : TraceAnalysisEndpointsTests(server.Required), IClassFixture<PostgresServer>;
