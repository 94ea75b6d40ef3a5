using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class RetentionCommandTests : CommandTestBase
{
    [Fact]
    public async Task Retention_IsShownSetAndReset()
    {
        Trace();
        await Client.FlushAsync(Token);
        var id = await ExperimentIdAsync();

        var shown = await RunAsync("retention", "show", "-x", id);
        var set = await RunAsync("retention", "set", "-x", id, "--days", "30", "--action", "archive");
        var forever = await RunAsync("retention", "set", "-x", id, "--days", "forever");
        var reset = await RunAsync("retention", "set", "-x", id, "--reset");

        Assert.Equal($"Traces of experiment {id} are deleted 180 days after the server last heard of them (as the server's settings say).", shown.Output.Trim());
        Assert.Equal($"Traces of experiment {id} are archived 30 days after the server last heard of them (as the experiment says).", set.Output.Trim());
        Assert.Equal($"Traces of experiment {id} are kept for ever (as the experiment says).", forever.Output.Trim());
        Assert.Equal(shown.Output, reset.Output);
        Assert.Contains("it must be 1 to 36525 days", (await RunAsync("retention", "set", "-x", id, "--days", "0")).Errors, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("retention", "set", "-x", id)).ExitCode);
    }

    [Fact]
    public async Task Retention_RunDry_SaysCounts_AndAsksBeforeItEndsAnything()
    {
        var dry = await RunAsync("retention", "run", "--dry-run");

        Assert.Equal((0, ""), (dry.ExitCode, dry.Errors));
        Assert.StartsWith("experiment  deleted  archived  kept  failed", dry.Output, StringComparison.Ordinal);
        Assert.Contains("give --yes", (await RunAsync("retention", "run")).Errors, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("retention", "run", "--yes")).ExitCode);
    }

    [Fact]
    public async Task Traces_DeletedBySession_AreCountedFirst()
    {
        using (Client.StartSpan("a"))
        {
            Client.UpdateCurrentTrace(new TraceUpdate { Session = "s-1", User = "u-1" });
        }

        var other = Trace();
        await Client.FlushAsync(Token);

        var dry = await RunAsync("traces", "delete", "--session", "s-1", "--dry-run");
        var done = await RunAsync("traces", "delete", "--session", "s-1", "--yes");
        var none = await RunAsync("traces", "delete", "--user", "u-1", "--yes");

        Assert.Equal("session 's-1' has 1 trace in 1 experiments", dry.Output.Trim());
        Assert.EndsWith("Deleted 1 traces", done.Output.Trim(), StringComparison.Ordinal);
        Assert.Equal("user 'u-1' has 0 traces in 0 experiments", none.Output.Trim());
        Assert.Equal(other, (await Client.GetTraceAsync(other, Token)).TraceId);
        Assert.Equal(2, (await RunAsync("traces", "delete", "--session", "s", "--user", "u", "--yes")).ExitCode);
    }
}
