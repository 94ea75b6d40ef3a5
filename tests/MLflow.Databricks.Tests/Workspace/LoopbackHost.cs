using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Kestrel over TLS on a free port of this machine.</summary>
internal sealed class LoopbackHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private LoopbackHost(WebApplication app) => _app = app;

    public int Port { get; private set; }

    /// <param name="configure">Maps what it answers.</param>
    /// <param name="isEncrypted">False for what speaks plain HTTP in the world, too.</param>
    /// <param name="port">0 for any that is free.</param>
    public static async Task<LoopbackHost> StartAsync(Action<WebApplication> configure, bool isEncrypted = true, int port = 0)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = 64 << 20;
            kestrel.Listen(System.Net.IPAddress.Loopback, port, listen =>
            {
                if (isEncrypted)
                {
                    listen.UseHttps(TestAuthority.Server);
                }
            });
        });
        var app = builder.Build();
        var host = new LoopbackHost(app);
        configure(app);
        await app.StartAsync();
        host.Port = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
        return host;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
