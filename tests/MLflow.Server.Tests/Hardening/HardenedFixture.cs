using Xunit;

namespace MLflow.Server.Tests.Hardening;

/// <summary>A server with the settings that it has by itself, for all tests of a class.</summary>
public sealed class HardenedFixture : IAsyncLifetime
{
    internal HardenedServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await HardenedServer.StartAsync();

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
