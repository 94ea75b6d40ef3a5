using Xunit;

namespace MLflow.Server.Tests.Hosting;

public sealed class EmbeddedServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Start_OneFileSpeltInTwoWays_IsOneServer()
    {
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, _folder.File("mlflow.db"));

        var address = EmbeddedServer.Start("sqlite:///" + _folder.File("mlflow.db"));

        Assert.Equal(address, EmbeddedServer.Start("sqlite:///" + _folder.File("more/../mlflow.db")));
        Assert.Equal(address, EmbeddedServer.Start("sqlite:///" + relative));
        Assert.NotEqual(address, EmbeddedServer.Start("sqlite:///" + _folder.File("other.db")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Start_CallerHasAsyncLocals_TheServerDoesNotSeeThem(bool isSuppressed)
    {
        var caller = Environment.CurrentManagedThreadId;
        var isSeen = false;
        var local = new AsyncLocal<string?>(change => isSeen |= change is { ThreadContextChanged: true, CurrentValue: not null } && Environment.CurrentManagedThreadId != caller);
        local.Value = "the caller's";
        using var flow = isSuppressed ? ExecutionContext.SuppressFlow() : default;

        EmbeddedServer.Start("sqlite:///" + _folder.File("mlflow.db"));

        Assert.False(isSeen);
    }

    [Fact]
    public void Start_NotADatabase_SaysSo() =>
        Assert.Contains("'sqlite:mlflow.db' is not understood", Assert.Throws<MlflowServerStartException>(() => EmbeddedServer.Start("sqlite:mlflow.db")).Message, StringComparison.Ordinal);
}
