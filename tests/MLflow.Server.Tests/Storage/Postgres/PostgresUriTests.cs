using MLflow.Server.Storage.Postgres;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresUriTests
{
    [Theory]
    [InlineData("postgresql://u:p@h/d", "h", "d", "u", "p")]
    [InlineData("postgres://u:p%40ss%3A%2F%3F%25@db.example:6543/d%20b", "db.example:6543", "d b", "u", "p@ss:/?%")]
    [InlineData("POSTGRESQL://h/d", "h", "d", null, null)]
    [InlineData("postgresql://u@a:5432,b:5433/d?target_session_attrs=prefer-standby", "a:5432,b:5433", "d", "u", null)]
    [InlineData("postgresql:///d?host=%2Frun%2Fpostgresql&user=u&password=p", "/run/postgresql", "d", "u", "p")]
    [InlineData("postgresql://u:p@h?dbname=d", "h", "d", "u", "p")]
    [InlineData("postgresql://u:a@b@h/d", "h", "d", "u", "a@b")]
    public void Uri_OfAnyForm_IsRead(string uri, string host, string database, string? user, string? password)
    {
        var settings = PostgresUri.Parse(uri);

        Assert.Equal((host, database, user, password), (settings.Host, settings.Database, settings.Username, settings.Password));
    }

    [Fact]
    public void Options_OfLibpqAndNpgsql_AreUnderstood()
    {
        var settings = PostgresUri.Parse("postgresql://h/d?sslmode=verify-full&connect_timeout=7&application_name=x&Maximum%20Pool%20Size=12");

        Assert.Equal((Npgsql.SslMode.VerifyFull, 7, "x", 12), (settings.SslMode, settings.Timeout, settings.ApplicationName, settings.MaxPoolSize));
    }

    [Theory]
    [InlineData("postgresql://u:secret@h", "it names no database")]
    [InlineData("postgresql://u:secret@/d", "it names no host")]
    [InlineData("postgresql://u:secret@h/d?sslmod=require", "its option 'sslmod' is unknown or has a value that it cannot have")]
    [InlineData("postgresql://u:secret@h/d?sslmode=sometimes&password=secret", "its option 'sslmode' is unknown or has a value that it cannot have")]
    [InlineData("postgresql://u:secret@a,b/d?target_session_attrs=best", "its option 'target_session_attrs' is unknown or has a value that it cannot have")]
    public async Task Uri_Wrong_IsToldWithoutItsPassword(string uri, string reason)
    {
        var e = await Assert.ThrowsAsync<MlflowServerStartException>(() => MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, BackendStoreUri = uri }, Xunit.TestContext.Current.CancellationToken));

        Assert.Contains($"is not understood, {reason}", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", e.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgresql://u:p%40ss@h:5432/d?sslpassword=secret", "postgresql://u@h:5432/d")]
    [InlineData("postgres://h/d", "postgres://h/d")]
    [InlineData("postgres://u:a@b@h/d", "postgres://u@h/d")]
    [InlineData("sqlite:///mlflow.db", "sqlite:///mlflow.db")]
    public void Shown_HasNoPassword(string uri, string shown) => Assert.Equal(shown, PostgresUri.Shown(uri));
}
