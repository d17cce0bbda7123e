package apigateway

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"time"
)

// clientCertificate is what a stage shows to the HTTPS endpoints of its integrations.
type clientCertificate struct {
	ID             string            `json:"clientCertificateId"`
	Description    string            `json:"description,omitempty"`
	PEM            string            `json:"pemEncodedCertificate"`
	CreatedDate    int64             `json:"createdDate"`
	ExpirationDate int64             `json:"expirationDate"`
	Tags           map[string]string `json:"tags,omitempty"`

	pair tls.Certificate
}

const (
	certificateLifetime   = 365 * 24 * time.Hour // as the Developer Guide says
	maxClientCertificates = 60                   // per account and region: "Amazon API Gateway quotas"
	badCertificate        = "Invalid Client Certificate identifier specified"
)

// generateClientCertificate makes a key pair and a certificate that it signs itself. The private key never leaves here.
func (s *Service) generateClientCertificate(q *request) (any, error) {
	c := &clientCertificate{}
	if err := q.decode(c); err != nil {
		return nil, err
	}
	if err := full(len(q.account.certificates), maxClientCertificates, "client certificates"); err != nil {
		return nil, err
	}
	now := s.opt.Now()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 62))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "ApiGateway"}, NotBefore: now.UTC(), NotAfter: now.Add(certificateLifetime).UTC(),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	c.ID = freshID(6, func(id string) bool { return q.account.certificates[id] != nil })
	c.PEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	c.CreatedDate, c.ExpirationDate = now.Unix(), now.Add(certificateLifetime).Unix()
	c.pair = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	q.account.certificates[c.ID] = c
	return c, nil
}

func (q *request) clientCertificate() (*clientCertificate, error) {
	c := q.account.certificates[q.params["clientcertificate_id"]]
	if c == nil {
		return nil, notFound(badCertificate)
	}
	return c, nil
}

func (s *Service) getClientCertificates(q *request) (any, error) {
	return page(q, q.account.certificates, same)
}

func (s *Service) getClientCertificate(q *request) (any, error) {
	c, err := q.clientCertificate()
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (s *Service) updateClientCertificate(q *request) (any, error) {
	c, err := q.clientCertificate()
	if err != nil {
		return nil, err
	}
	n := *c
	if err := q.patch([]patchRule{setString("/description", &n.Description)}); err != nil {
		return nil, err
	}
	q.account.certificates[c.ID] = &n
	return &n, nil
}

// deleteClientCertificate refuses while a stage shows the certificate.
func (s *Service) deleteClientCertificate(q *request) (any, error) {
	c, err := q.clientCertificate()
	if err != nil {
		return nil, err
	}
	for id, a := range q.account.apis {
		for _, st := range a.stages {
			if st.ClientCertificateID == c.ID {
				return nil, badRequest("Client certificate " + c.ID + " is used by stage " + st.StageName + " of API " + id + " and must be removed from it first")
			}
		}
	}
	delete(q.account.certificates, c.ID)
	return nil, nil
}

// client is the HTTP client for one integration: the service's own, or one that shows the stage's certificate or does not
// look at the endpoint's, where the integration says so.
func (x *exchange) client(in *integration) *http.Client {
	insecure := in.TLSConfig != nil && in.TLSConfig.InsecureSkipVerification
	base := x.svc.opt.HTTPClient
	if x.certificate == nil && !insecure {
		return base
	}
	transport, ok := base.Transport.(*http.Transport)
	if !ok {
		transport = http.DefaultTransport.(*http.Transport)
	}
	transport = transport.Clone()
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport.TLSClientConfig.InsecureSkipVerify = insecure
	if x.certificate != nil {
		transport.TLSClientConfig.Certificates = []tls.Certificate{x.certificate.pair}
	}
	transport.DisableKeepAlives = true // nobody will come back to this transport
	one := *base
	one.Transport = transport
	return &one
}
