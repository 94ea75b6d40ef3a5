using System.Text.Json;
using Microsoft.Data.Sqlite;
using MLflow.Server.Tests.Hardening;
using Xunit;

namespace MLflow.Server.Tests.Operations;

public sealed class ReadinessTests
{
    [Fact]
    public async Task Ready_ServerThatWrites_IsReadyUnderAnyName()
    {
        await using var server = await HardenedServer.StartAsync();

        var (status, body, _) = await server.SendAsync("GET", "/health/ready", null, ("Host", "pod-17.cluster.example"));

        Assert.Equal((200, """{"status":"ready","checks":{"accepting":"ok","database":"ok","disk":"ok"}}"""), (status, body));
    }

    [Fact]
    public async Task Ready_DiskWithoutRoom_IsNotAndSaysWhichSetting()
    {
        await using var server = await HardenedServer.StartAsync(options => options.MinFreeBytes = long.MaxValue);

        var (status, body, _) = await server.SendAsync("GET", "/health/ready");

        Assert.Equal(503, status);
        var fault = JsonDocument.Parse(body).RootElement.GetProperty("checks").GetProperty("disk").GetString();
        Assert.EndsWith($"bytes free, less than {long.MaxValue} (--min-free-bytes): make room", fault, StringComparison.Ordinal);
        Assert.Equal(200, (await server.SendAsync("GET", "/health")).Status);
    }

    [Fact]
    public async Task Ready_DatabaseThatAnotherProgramHolds_IsNot()
    {
        await using var server = await HardenedServer.StartAsync();
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(server.Folder, "mlflow.db")};Pooling=False");
        connection.Open();
        await using var command = connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        command.ExecuteNonQuery();

        var (status, body, _) = await server.SendAsync("GET", "/health/ready");
        Assert.Equal(503, status);
        Assert.Contains("the database did not write within 5 seconds", body, StringComparison.Ordinal);

        command.CommandText = "ROLLBACK";
        command.ExecuteNonQuery();
        Assert.Equal(200, (await server.SendAsync("GET", "/health/ready")).Status);
    }
}
