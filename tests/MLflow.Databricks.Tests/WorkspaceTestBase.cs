using MLflow.Tests.Databricks.Workspace;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>A test with a workspace of its own, which ends with nothing asked that no sheet lists.</summary>
public abstract class WorkspaceTestBase : IAsyncLifetime
{
    private protected StandInWorkspace Workspace { get; private set; } = null!;

    /// <summary>The workspace's clock.</summary>
    protected virtual TimeProvider Clock => TimeProvider.System;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    public virtual async ValueTask InitializeAsync() => Workspace = await StandInWorkspace.StartAsync(Clock);

    public virtual async ValueTask DisposeAsync()
    {
        await Workspace.DisposeAsync();
        Assert.Empty(Workspace.Unlisted);
        GC.SuppressFinalize(this);
    }
}
