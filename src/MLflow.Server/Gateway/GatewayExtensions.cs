namespace MLflow.Server.Gateway;

/// <summary>Puts the gateway into the server.</summary>
internal static class GatewayExtensions
{
    public static IServiceCollection AddGateway(this IServiceCollection services)
    {
        services.AddHttpForwarder();
        return services
            .AddSingleton<GatewayAdministration>()
            .AddSingleton<CallRates>()
            .AddSingleton<BudgetBook>()
            .AddSingleton<UpstreamConnections>()
            .AddSingleton<GatewayRecorder>()
            .AddHostedService(provider => provider.GetRequiredService<GatewayRecorder>())
            .AddSingleton<GatewayProxy>();
    }
}
