using System.Net;
using System.Net.Sockets;

namespace MLflow.Tests;

/// <summary>Ports of loopback on which nobody listens.</summary>
internal static class FreePort
{
    // Below the range from which systems give ports to whoever asks for any: a server of another test must not get this one while it is to be free.
    private const int First = 10_000;
    private const int Count = 20_000;

    // Processes begin at different places.
    private static int _last = Environment.ProcessId * 97;

    public static int Next()
    {
        while (true)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _last) % Count);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }
    }
}
