using MLflow.Tests.Databricks.Workspace;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>The clock of the workspace is hours before or behind that of the program.</summary>
public abstract class ClockTests(int hours) : ClientTestBase
{
    protected override TimeProvider Clock { get; } = new SkewedTime(TimeSpan.FromHours(hours));

    [Fact]
    public async Task Tokens_AreUsedAndReplacedAllTheSame()
    {
        var client = Client(options => (options.Databricks.ClientId, options.Databricks.ClientSecret) = Workspace.Tokens.AddServicePrincipal());
        Trace(client);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Workspace.Tokens.ExpireAll();
        Trace(client);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);
        Assert.Equal(2, Workspace.To(TokenEndpoints.Path).Count());
        Assert.Empty(Log.Lines);
    }

    [Fact]
    public async Task Waits_ToldAsDates_AreThoseOfTheWorkspacesClock()
    {
        Workspace.Quotas.TellsDates = true;
        Workspace.Quotas.RefuseNext(QuotaGroup.CreateTraces, 1, TimeSpan.FromSeconds(1));
        var client = Client();
        Trace(client);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal((1, 0), (Workspace.Quotas.Refused, Workspace.Quotas.Impatient));
    }

    public sealed class Ahead() : ClockTests(3);

    public sealed class Behind() : ClockTests(-3);
}
