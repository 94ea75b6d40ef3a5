using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Retention;
using MLflow.Server.Storage;
using MLflow.Server.Tests.Storage;
using Xunit;

namespace MLflow.Server.Tests.Rest;

public class RetentionEndpointsTests(SomeServer server) : IClassFixture<SomeServer>
{
    private const string Api = "/api/3.0/mlflow";

    private protected virtual SomeServer Server => server;

    [Fact]
    public async Task Get_OfAnExperimentThatSaysNothing_IsTheServers()
    {
        var id = await ExperimentAsync();

        var (status, body) = await Server.GetAsync($"{Api}/retention/get?experiment_id={id}");

        Assert.Equal((200, id, "180", "delete", "server"), (status, Text(body, "experiment_id"), Text(body, "days"), Text(body, "action"), Text(body, "source")));
        Assert.Equal(404, (await Server.GetAsync($"{Api}/retention/get?experiment_id=4711")).Status);
    }

    [Fact]
    public async Task Set_ChangesWhatIsGiven_AndNothingAtAllIsTheServersAgain()
    {
        var id = await ExperimentAsync();

        var (_, first) = await Server.PostAsync($"{Api}/retention/set", new { experiment_id = id, days = "30" });
        var (_, second) = await Server.PostAsync($"{Api}/retention/set", new { experiment_id = id, action = "archive" });
        var (_, third) = await Server.PostAsync($"{Api}/retention/set", new { experiment_id = id });

        Assert.Equal(("30", "delete", "experiment"), (Text(first, "days"), Text(first, "action"), Text(first, "source")));
        Assert.Equal(("30", "archive", "experiment"), (Text(second, "days"), Text(second, "action"), Text(second, "source")));
        Assert.Equal(("180", "delete", "server"), (Text(third, "days"), Text(third, "action"), Text(third, "source")));
    }

    [Theory]
    [InlineData("mlflow.retention.days", "0", "Invalid value '0' for tag 'mlflow.retention.days': it must be 1 to 36525 days, or 'forever'.")]
    [InlineData("mlflow.retention.days", "soon", "Invalid value 'soon' for tag 'mlflow.retention.days': it must be 1 to 36525 days, or 'forever'.")]
    [InlineData("mlflow.retention.action", "burn", "Invalid value 'burn' for tag 'mlflow.retention.action': it must be 'delete' or 'archive'.")]
    public async Task Set_WhatCannotBeUnderstood_IsRefused_AlsoAsATag(string tag, string value, string message)
    {
        var id = await ExperimentAsync();
        var name = tag[(tag.LastIndexOf('.') + 1)..];

        var (status, body) = await Server.PostAsync($"{Api}/retention/set", new Dictionary<string, string> { ["experiment_id"] = id, [name] = value });
        var (tagStatus, tagBody) = await Server.PostAsync("/api/2.0/mlflow/experiments/set-experiment-tag", new { experiment_id = id, key = tag, value });

        Assert.Equal((400, message, 400, message), (status, Text(body, "message"), tagStatus, Text(tagBody, "message")));
    }

    [Fact]
    public async Task Run_Dry_SaysCounts()
    {
        var id = await ExperimentAsync();

        var (status, body) = await Server.PostAsync($"{Api}/retention/run", new { experiment_ids = new[] { id } });

        Assert.Equal(200, status);
        Assert.True(body.GetProperty("dry_run").GetBoolean());
        Assert.Equal(400, (await Server.PostAsync($"{Api}/retention/run", new { experiment_ids = new[] { "x" } })).Status);
    }

    [Fact]
    public async Task DeleteByOwner_CountsAndDeletes()
    {
        var id = await ExperimentAsync();
        var session = Guid.NewGuid().ToString();
        var store = Server.Server.Services.GetRequiredService<ITraceStore>();
        for (var i = 0; i < 3; i++)
        {
            await store.WriteAsync(
                new() { ExperimentId = long.Parse(id, System.Globalization.CultureInfo.InvariantCulture), Spans = [SomeTrace.Span(SomeTrace.NewOtelId(), 1, attributes: ("session.id", $"\"{session}\""))] },
                Xunit.TestContext.Current.CancellationToken);
        }

        var (_, dry) = await Server.PostAsync($"{Api}/traces/delete-by-owner", new { session, dry_run = true });
        var (_, none) = await Server.PostAsync($"{Api}/traces/delete-by-owner", new { session, experiment_ids = new[] { "0" } });
        var (_, done) = await Server.PostAsync($"{Api}/traces/delete-by-owner", new { session });

        Assert.Equal((0, 3L), (dry.GetProperty("traces_deleted").GetInt64(), dry.GetProperty("experiments")[0].GetProperty("traces").GetInt64()));
        Assert.Equal((0, 3L), (none.GetProperty("traces_deleted").GetInt64(), done.GetProperty("traces_deleted").GetInt64()));
    }

    [Fact]
    public async Task DeleteByOwner_OfNobodyOrOfBoth_IsRefused()
    {
        Assert.Equal(400, (await Server.PostAsync($"{Api}/traces/delete-by-owner", new { })).Status);
        Assert.Equal(400, (await Server.PostAsync($"{Api}/traces/delete-by-owner", new { user = "a", session = "b" })).Status);
    }

    [Fact]
    public async Task Job_RunsWithTheServer()
    {
        await Server.Server.Services.GetRequiredService<RetentionJob>().RunOnceAsync(Xunit.TestContext.Current.CancellationToken);

        Assert.False(await Server.Server.Services.GetRequiredService<IRetentionStore>().TryLeadAsync("retention", "another server", TimeSpan.FromMinutes(1), Xunit.TestContext.Current.CancellationToken));
    }

    private async Task<string> ExperimentAsync() =>
        Text((await Server.PostAsync("/api/2.0/mlflow/experiments/create", new { name = Guid.NewGuid().ToString() })).Body, "experiment_id")!;

    private static string? Text(JsonElement body, string name) => body.GetProperty(name).GetString();
}
