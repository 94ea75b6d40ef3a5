using System.Text.Json.Nodes;
using MLflow.Tests.Databricks.Workspace;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>What goes wrong between a program and a workspace: every trace is stored, waits, or is a counted drop, and one message says what is the matter.</summary>
public sealed class FaultTests : ClientTestBase
{
    private const string StartPath = "/api/3.0/mlflow/traces";

    [Fact]
    public async Task TokenEndsInTheMiddleOfABatch_IsReplacedAndNothingSentTwice()
    {
        var client = ServicePrincipalClient();
        var starts = 0;
        Workspace.Intercept = (_, request) =>
        {
            if (request.Path == StartPath && Interlocked.Increment(ref starts) == 10)
            {
                Workspace.Tokens.ExpireAll();
            }

            return Task.FromResult(false);
        };
        Make(client, 30);

        Stored(await client.FlushAsync(Token), 30);
        Assert.All(Workspace.Traces.All, trace => Assert.Equal(1, trace.Starts));
        Assert.Equal(2, Workspace.To(TokenEndpoints.Path).Count());
        Assert.Empty(Log.Lines);
    }

    [Fact]
    public async Task PersonalTokenIsRevoked_TracesWaitAndOneMessageSaysWhy()
    {
        var token = Workspace.Tokens.AddPersonal();
        var client = Client(options => options.Databricks.Token = token);
        Make(client, 1);
        Stored(await client.FlushAsync(Token), 1);
        Workspace.Tokens.Revoke(token);
        Make(client, 3);

        var result = await client.FlushAsync(Token);

        FlushAssert.Counts(result, exported: 1, pending: 3);
        Assert.Contains("does not accept the credentials (pat; token from DatabricksOptions.Token)", Assert.Single(Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OneExperimentIsForbidden_OthersGoOnAndItsTracesWait()
    {
        var client = Client();
        Make(client, 1);
        Stored(await client.FlushAsync(Token), 1);
        Workspace.Experiments.FindByName(Experiment)!.IsForbidden = true;
        Make(client, 3);
        client.SetExperiment("/Shared/allowed");
        Make(client, 3);

        var result = await client.FlushAsync(Token);

        FlushAssert.Counts(result, exported: 4, pending: 3);
        var line = Assert.Single(Log.Lines);
        Assert.Contains("does not allow POST", line, StringComparison.Ordinal);
        Assert.Contains("User does not have permission to edit experiment", line, StringComparison.Ordinal);

        // The right is given.
        Workspace.Experiments.FindByName(Experiment)!.IsForbidden = false;
        Stored(await client.FlushAsync(Token), 7);
    }

    [Fact]
    public async Task OneExperimentIsForbidden_ItsTracesOutliveTheProgram()
    {
        Workspace.Experiments.Add(Experiment).IsForbidden = true;
        var first = SpoolingClient();
        Make(first, 3);
        FlushAssert.Counts(await first.FlushAsync(Token), exported: 0, pending: 3);
        await first.DisposeAsync();
        Assert.NotEmpty(Directory.GetFiles(SpoolFolder));

        Workspace.Experiments.FindByName(Experiment)!.IsForbidden = false;
        var second = SpoolingClient();
        Make(second, 1);
        var result = await RecoverAsync(second, 3);
        Assert.Equal((1, 3), (result.Exported, result.Recovered));
        Assert.Equal(4, Workspace.Storage.Objects.Count);
        Assert.Empty(Directory.GetFiles(SpoolFolder));
    }

    [Fact]
    public async Task OneExperimentIsForbidden_WithMuchOnTheDisk_OthersGoOn()
    {
        Workspace.Experiments.Add(Experiment).IsForbidden = true;
        Workspace.Quotas.Limit(QuotaGroup.CreateTraces, int.MaxValue);
        var first = SpoolingClient();
        var text = new string('x', 1 << 20);
        for (var i = 0; i < 8; i++)
        {
            Trace(first, text);
        }

        await first.FlushAsync(Token);
        await first.DisposeAsync();

        // The first trace that arrives has the next program read what waits for the workspace. It fills the experiment's lane, and cannot go back to the disk.
        var second = SpoolingClient();
        second.SetExperiment("/Shared/allowed");
        Make(second, 1);
        await second.FlushAsync(Token);
        await second.FlushAsync(Token);
        Make(second, 2);
        var result = await second.FlushAsync(Token).WaitAsync(TimeSpan.FromMinutes(1), Token);

        Assert.Equal(3, result.Exported);
    }

    [Fact]
    public async Task OneExperimentIsForbiddenForLong_WhatWaitsGoesToTheDiskAndTakesNoMemoryFromOthers()
    {
        Workspace.Experiments.Add(Experiment).IsForbidden = true;
        Workspace.Quotas.Limit(QuotaGroup.CreateTraces, int.MaxValue);
        var client = SpoolingClient();
        Make(client, 1);
        await client.FlushAsync(Token);

        // More than a batch holds.
        Make(client, ExportLane.MaxBatchSpans);
        var result = await client.FlushAsync(Token);
        while (result.Spooled == 0)
        {
            await Task.Yield();
            result = await client.FlushAsync(Token);
        }

        Assert.Equal((0, 0, ExportLane.MaxBatchSpans + 1), (result.Exported, result.Dropped, result.Pending + result.Spooled));

        Workspace.Experiments.FindByName(Experiment)!.IsForbidden = false;
        while (result.Exported < ExportLane.MaxBatchSpans + 1)
        {
            result = await client.FlushAsync(Token);
            Assert.Equal(0, result.Dropped);
        }

        Assert.Equal(ExportLane.MaxBatchSpans + 1, Workspace.Storage.Objects.Count);
    }

    [Fact]
    public async Task OneExperimentIsForbidden_WhatWaitsOnTheDiskForOthersIsSent()
    {
        var first = SpoolingClient();
        await Workspace.GoAwayAsync();
        Make(first, 2);
        first.SetExperiment("/Shared/allowed");
        Make(first, 3);
        await first.DisposeAsync();
        await Workspace.ComeBackAsync();
        Workspace.Experiments.Add(Experiment).IsForbidden = true;

        var second = SpoolingClient();
        Make(second, 1);
        FlushAssert.Counts(await second.FlushAsync(Token), exported: 0, pending: 1);
        second.SetExperiment("/Shared/allowed");
        Make(second, 1);
        Assert.Equal((1, 3), await CountsAsync(3));

        // The right is given: what was passed by is read again.
        Workspace.Experiments.FindByName(Experiment)!.IsForbidden = false;
        Assert.Equal((2, 5), await CountsAsync(5));
        Assert.Equal(7, Workspace.Storage.Objects.Count);
        Assert.All(Workspace.Traces.All, trace => Assert.InRange(trace.Starts, 1, 1));
        await second.DisposeAsync();
        Assert.Empty(Directory.GetFiles(SpoolFolder));

        async Task<(long, long)> CountsAsync(int recovered)
        {
            var result = await RecoverAsync(second, recovered);
            return (result.Exported, result.Recovered);
        }
    }

    [Fact]
    public async Task QuotaIsExceeded_IsWaitedForAsTold()
    {
        Workspace.Quotas.RefuseNext(QuotaGroup.CreateTraces, 2, TimeSpan.FromSeconds(1));
        var client = Client();
        Make(client, 1);

        Stored(await client.FlushAsync(Token), 1);
        Assert.Equal((2, 0), (Workspace.Quotas.Refused, Workspace.Quotas.Impatient));
        Assert.Contains("does not take traces now", Assert.Single(Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task QuotaStorm_LosesNothingAndSendsNothingTwice()
    {
        Workspace.Quotas.Limit(QuotaGroup.CreateTraces, 20);
        var client = SpoolingClient();
        Make(client, 60);

        var result = await client.FlushAsync(Token);
        while (result.Exported < 60)
        {
            Assert.Equal((0, 60), (result.Dropped, result.Exported + result.Pending + result.Spooled));
            result = await client.FlushAsync(Token);
        }

        Stored(result, 60);
        Assert.True(Workspace.Quotas.Refused > 0);
        Assert.All(Workspace.Traces.All, trace => Assert.Equal(1, trace.Starts));
    }

    [Theory]
    [InlineData("AWS_PRESIGNED_URL")]
    [InlineData("GCP_SIGNED_URL")]
    [InlineData("AZURE_SAS_URI")]
    [InlineData("AZURE_ADLS_GEN2_SAS_URI")]
    public async Task SignedAddressHasEnded_AnotherIsFetchedOnce(string kind)
    {
        Workspace.Storage.Kind = Enum.Parse<StorageKind>(kind);
        var isFirst = true;
        Workspace.Storage.Answering = () =>
        {
            if (isFirst)
            {
                isFirst = false;
                Workspace.Storage.ExpireAll();
            }
        };
        var client = Client();
        var id = Trace(client);

        Stored(await client.FlushAsync(Token), 1);
        Assert.Equal(2, Workspace.To($"/api/2.0/mlflow/traces/{id}/credentials-for-data-upload").Count());
        Assert.Empty(Log.Lines);
    }

    [Fact]
    public async Task SignedAddressesAlwaysEnd_TracesWaitAndOneMessageSaysWhy()
    {
        Workspace.Storage.Lifetime = TimeSpan.Zero;
        var client = Client();
        Make(client, 2);

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 2);
        Assert.Contains("The storage localhost of the workspace (AWS_PRESIGNED_URL) answered 403 to PUT", Assert.Single(Log.Lines), StringComparison.Ordinal);

        Workspace.Storage.Lifetime = TimeSpan.FromMinutes(1);
        Stored(await client.FlushAsync(Token), 2);
        Assert.All(Workspace.Traces.All, trace => Assert.Equal(1, trace.Starts));
    }

    [Theory]
    [InlineData("AWS_PRESIGNED_URL")]
    [InlineData("AZURE_SAS_URI")]
    [InlineData("AZURE_ADLS_GEN2_SAS_URI")]
    public async Task UploadIsCutHalfWay_IsDoneAgainAndWhole(string kind)
    {
        Workspace.Storage.Kind = Enum.Parse<StorageKind>(kind);
        Workspace.Storage.CutNext(1);
        var client = Client();
        using (client.StartSpan("root"))
        {
            for (var i = 0; i < 200; i++)
            {
                using var step = client.StartSpan("step");
                step.SetInputs(new { text = string.Concat(Enumerable.Repeat("it rains. ", 100)) });
            }
        }

        Stored(await client.FlushAsync(Token), 1);
        Assert.Equal(201, JsonNode.Parse(Workspace.Storage.Objects.Values.Single())!["spans"]!.AsArray().Count);
        Assert.Equal(1, Workspace.Traces.All.Single().Starts);
        Assert.Contains("The storage localhost of the workspace", Assert.Single(Log.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    public async Task StorageFails_TracesWait(int status)
    {
        Workspace.Storage.FailNext(1, status);
        var client = Client();
        Make(client, 5);
        Stored(await client.FlushAsync(Token), 5);
    }

    [Fact]
    public async Task MetadataOfTheWorkspaceIsAbsent_TracesAreSent()
    {
        Workspace.HasMetadata = false;
        var client = ServicePrincipalClient();
        Make(client, 2);
        Stored(await client.FlushAsync(Token), 2);
        Assert.Empty(Log.Lines);
    }

    [Fact]
    public async Task TokenEndpointFails_TracesWaitAndOneMessageSaysWhy()
    {
        Workspace.FailNext(TokenEndpoints.Path, int.MaxValue, 503);
        var client = ServicePrincipalClient();
        Make(client, 2);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 2);
        Assert.Contains($"{TokenEndpoints.Path} answered 503", Assert.Single(Log.Lines), StringComparison.Ordinal);

        Workspace.Intercept = null;
        Stored(await client.FlushAsync(Token), 2);
    }

    [Fact]
    public async Task WorkspaceIsAway_TracesWaitOnTheDiskAndAreSentByTheNextProgram()
    {
        var first = SpoolingClient();
        Make(first, 1);
        Stored(await first.FlushAsync(Token), 1);
        await Workspace.GoAwayAsync();
        Make(first, 3);
        var result = await first.FlushAsync(Token);
        Assert.Equal((1, 0, 3), (result.Exported, result.Dropped, result.Pending + result.Spooled));
        await first.DisposeAsync();
        Assert.NotEmpty(Directory.GetFiles(SpoolFolder));
        Assert.Contains(Log.Lines, line => line.Contains("The Databricks workspace localhost does not take traces now", StringComparison.Ordinal));

        await Workspace.ComeBackAsync();
        var second = SpoolingClient();
        Make(second, 1);
        result = await RecoverAsync(second, 3);
        Assert.Equal((1, 3), (result.Exported, result.Recovered));
        Assert.Equal(5, Workspace.Storage.Objects.Count);
    }

    [Fact]
    public async Task WorkspaceIsAway_TraceOfSeveralExports_IsWholeAfterwards()
    {
        var first = SpoolingClient();
        await Workspace.GoAwayAsync();
        using (first.StartSpan("root"))
        {
            for (var i = 0; i < ActiveTrace.MaxHeldSpans * 2; i++)
            {
                first.StartSpan("step").Dispose();
            }
        }

        await first.DisposeAsync();
        await Workspace.ComeBackAsync();
        var second = SpoolingClient();
        Make(second, 1);
        Assert.Equal(1, (await RecoverAsync(second, 1)).Recovered);
        Assert.Contains((ActiveTrace.MaxHeldSpans * 2) + 1, Workspace.Storage.Objects.Values.Select(d => JsonNode.Parse(d)!["spans"]!.AsArray().Count));
    }

    [Fact]
    public async Task WorkspaceIsAway_SpansBeginAfterTheEndOfTheirTrace_TheTraceIsNotLost()
    {
        var first = SpoolingClient();
        await Workspace.GoAwayAsync();
        LiveSpan root;
        using (root = first.StartSpan("root"))
        {
        }

        // Many of them make a part of their own before the last one has ended.
        var late = first.StartSpanNoContext("late", parent: root);
        for (var i = 0; i < ActiveTrace.MaxHeldSpans; i++)
        {
            first.StartSpanNoContext("step", parent: late).End();
        }

        await first.DisposeAsync();
        await Workspace.ComeBackAsync();
        var second = SpoolingClient();
        Make(second, 1);
        while (!Workspace.Traces.All.Any(trace => trace.Id == root.TraceId))
        {
            Assert.Equal(0, (await second.FlushAsync(Token)).Dropped);
            await Task.Yield();
        }
    }

    [Fact]
    public async Task WorkspaceIsAway_TracesOfSeveralExports_KeepTheirPlaceAmongOthers()
    {
        var first = SpoolingClient();
        await Workspace.GoAwayAsync();
        using (first.StartSpan("root"))
        {
            for (var i = 0; i < ActiveTrace.MaxHeldSpans; i++)
            {
                first.StartSpan("step").Dispose();
            }
        }

        Make(first, 1);
        await first.DisposeAsync();

        var address = new Uri(Assert.Single(SpoolImport.Targets(SpoolFolder)));
        using var spool = new TraceSpool(SpoolFolder, TraceSpool.DefaultMaxBytes, new ExportMemory(), new SelfLog(Log, TimeProvider.System), TimeProvider.System);
        spool.Adopt(address);
        Assert.Equal([ActiveTrace.MaxHeldSpans + 1, 1], spool.Read(address, long.MaxValue, new HashSet<TraceDestination>()).Select(record => record.SpanCount));
        await Workspace.ComeBackAsync();
    }

    [Fact]
    public async Task RunningTrace_OfAWorkspace_DoesNotWakeTheExporterForItsVersion()
    {
        using var workspaces = new DatabricksWorkspaces(TrackingTransport.Read(Environment.GetEnvironmentVariable), TimeProvider.System);
        var workspace = workspaces.Find(workspaces.Add("databricks", new DatabricksOptions { Host = Workspace.Host, Token = Workspace.Tokens.AddPersonal() }))!;
        var server = new TrackingServer(workspace, new RetryPolicy(TimeProvider.System, () => 0));
        Assert.True(server.IsKnown);
        server.Forget();
        await server.IdentifyAsync(Token);
        Assert.Equal((true, false), (server.IsKnown, server.TakesFacts));
        Assert.Empty(Workspace.Requests);
    }

    [Fact]
    public async Task SpooledTraces_OfAnotherWorkspace_StayWhereTheyAre()
    {
        var first = SpoolingClient();
        await Workspace.GoAwayAsync();
        Make(first, 1);
        await first.DisposeAsync();
        await Workspace.ComeBackAsync();

        await using var other = await StandInWorkspace.StartAsync();
        var second = SpoolingClient(options => (options.Databricks.Host, options.Databricks.Token) = (other.Host, other.Tokens.AddPersonal()));
        Make(second, 1);
        var result = await second.FlushAsync(Token);
        Assert.Equal((1, 0), (result.Exported, result.Recovered));
        Assert.Single(other.Traces.All);
        Assert.NotEmpty(Directory.GetFiles(SpoolFolder));
    }

    [Fact]
    public async Task FolderIsMissing_TracesWaitUntilItIsThere()
    {
        var client = Client(experiment: "/Shared/team/app");
        Make(client, 2);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 2);
        Assert.Contains("has no folder '/Shared/team': create it", Assert.Single(Log.Lines), StringComparison.Ordinal);

        Workspace.Experiments.AddFolder("/Shared/team");
        Stored(await client.FlushAsync(Token), 2);
    }

    [Fact]
    public async Task PathIsAFolder_TracesAreDroppedAndCounted()
    {
        Workspace.Experiments.AddFolder(Experiment);
        var client = Client();
        Make(client, 2);
        var result = await client.FlushAsync(Token);
        FlushAssert.Counts(result, exported: 0, dropped: 2);
        Assert.Equal(2, result.DroppedBy[DropReasons.InvalidExperiment]);
        Assert.Contains("found 'DIRECTORY'", Assert.Single(Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoExperimentIsSet_TracesAreDroppedAndTheMessageSaysWhatToSet()
    {
        var client = Client(experiment: null);
        Make(client, 1);
        var result = await client.FlushAsync(Token);
        FlushAssert.Counts(result, exported: 0, dropped: 1);
        Assert.Contains("Mlflow.SetExperiment(\"/Shared/my-experiment\")", Assert.Single(Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void ExperimentIsNoPath_IsToldAtOnce()
    {
        Assert.Contains("write '/Shared/app'", Assert.Throws<ArgumentException>(() => Client(experiment: "app")).Message, StringComparison.Ordinal);
        var client = Client();
        Assert.Contains("write '/Shared/app'", Assert.Throws<ArgumentException>(() => client.SetExperiment("app")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => client.UseExperiment("app"));
    }

    [Fact]
    public async Task LateSpan_CannotJoinItsDocument_IsACountedDrop()
    {
        var client = Client();
        LiveSpan late;
        using (var root = client.StartSpan("root"))
        {
            late = client.StartSpanNoContext("first", parent: root);
            late.End();
        }

        Stored(await client.FlushAsync(Token), 1);
        using (client.StartSpanNoContext("late", parent: late))
        {
        }

        var result = await client.FlushAsync(Token);
        Assert.Equal(0, result.Pending);
        Assert.Equal(1, result.Exported + result.Dropped);
        Assert.Single(JsonNode.Parse(Workspace.Storage.Objects.Values.Single())!["spans"]!.AsArray(), span => span!["name"]!.GetValue<string>() == "root");
    }

    private static void Make(MlflowClient client, int count)
    {
        for (var i = 0; i < count; i++)
        {
            client.StartSpan("x").Dispose();
        }
    }

    /// <summary>All are there with their documents, and nothing else was counted.</summary>
    private void Stored(FlushResult result, int count)
    {
        FlushAssert.Counts(result, exported: count);
        Assert.Equal((count, count), (Workspace.Traces.All.Count, Workspace.Storage.Objects.Count));
        AssertNoSecrets(result.LastError ?? "");
    }

    private static async Task<FlushResult> RecoverAsync(MlflowClient client, int count)
    {
        var result = await client.FlushAsync(Token);
        while (result.Recovered < count)
        {
            await Task.Yield();
            result = await client.FlushAsync(Token);
        }

        return result;
    }

    private MlflowClient ServicePrincipalClient() => Client(options =>
        (options.Databricks.ClientId, options.Databricks.ClientSecret) = Workspace.Tokens.AddServicePrincipal());

    private MlflowClient SpoolingClient(Action<MlflowClientOptions>? configure = null) => Client(options =>
    {
        options.Databricks.Token = Workspace.Tokens.AddPersonal();
        options.SpoolDirectory = SpoolFolder;
        configure?.Invoke(options);
    });
}
