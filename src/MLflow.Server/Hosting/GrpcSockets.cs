using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace MLflow.Server.Hosting;

/// <summary>
/// The sockets of OTLP over gRPC, bound before Kestrel starts: its port is a well-known one that a collector on the same machine may have, and Kestrel
/// would not start at all then.
/// </summary>
internal sealed class GrpcSockets : IDisposable
{
    private readonly Dictionary<EndPoint, Socket> _sockets = [];

    private GrpcSockets()
    {
    }

    /// <summary>Where to listen; empty when it is turned off, or the port is not to be had.</summary>
    public IReadOnlyCollection<IPEndPoint> Endpoints => [.. _sockets.Keys.Cast<IPEndPoint>()];

    /// <summary>Why nobody listens although it was asked for; null otherwise.</summary>
    public string? Warning { get; private set; }

    public static GrpcSockets Bind(ServerSettings settings)
    {
        var sockets = new GrpcSockets();
        if (settings.OtlpGrpcPort is not { } port)
        {
            return sockets;
        }

        try
        {
            foreach (var address in settings.Addresses)
            {
                var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(new IPEndPoint(address, port));
                sockets._sockets.Add(socket.LocalEndPoint!, socket);

                // Two sockets can be bound to one address as long as neither listens: only now is it ours. Kestrel listens again, which does nothing.
                socket.Listen();
            }
        }
        catch (SocketException e)
        {
            sockets.Dispose();
            sockets._sockets.Clear();
            sockets.Warning = e.SocketErrorCode == SocketError.AddressAlreadyInUse ? "it is in use" : e.Message;
        }

        return sockets;
    }

    /// <summary>The socket for an end point of Kestrel.</summary>
    public Socket Take(EndPoint endPoint) => _sockets.TryGetValue(endPoint, out var socket) ? socket : SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);

    public void Dispose()
    {
        foreach (var socket in _sockets.Values)
        {
            socket.Dispose();
        }
    }
}
